"""Parameters of a route or of shared steps: a type or a list of values, bounds, and who may set them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from engine.config.models.base import SNAKE, Raw, Skeleton, Word, keys_named, named, problem
from engine.config.nearest import suggestion

Layer = Literal["company", "country", "state", "brand", "store_group"]
ParamType = Literal["text", "integer", "number", "boolean", "duration", "rate", "size", "date"]

_TEXT_FORMS: Final = {
    "duration": re.compile(r"\d+(ms|s|m|h|d)"),
    "rate": re.compile(r"[1-9]\d*/\d*(ms|s|m|h|d)"),
    "size": re.compile(r"\d+(B|KiB|MiB|GiB)"),
    "date": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "text": re.compile(r"(?s).*"),
}
_SECONDS: Final = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
_BYTES: Final = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def fits(kind: str, value: Any) -> bool:
    """True when the value is of a parameter's type."""
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | Decimal) and not isinstance(value, bool)
    return isinstance(value, str) and _TEXT_FORMS[kind].fullmatch(value) is not None


def rank(kind: str, value: Any) -> Any:
    """What bounds of this type are compared by: seconds, events a second, bytes, or the value itself."""
    if kind == "duration":
        number, unit = re.fullmatch(r"(\d+)(.+)", value).groups()  # type: ignore[union-attr]
        return int(number) * _SECONDS[unit]
    if kind == "rate":
        count, many, unit = re.fullmatch(r"(\d+)/(\d*)(.+)", value).groups()  # type: ignore[union-attr]
        return Decimal(int(count)) / (max(1, int(many or 1)) * _SECONDS[unit])
    if kind == "size":
        number, unit = re.fullmatch(r"(\d+)(.+)", value).groups()  # type: ignore[union-attr]
        return int(number) * _BYTES[unit]
    return value


class ParamDoc(Skeleton):
    """One parameter. Exactly one of `values` and `type` says what it may be."""

    values: Annotated[list[Raw] | None, Field(description="The values it may have.")] = None
    type: Annotated[ParamType | None, Field(description="The kind of value it may have.")] = None
    default: Raw = None
    min: Raw = None
    max: Raw = None
    overridable_by: Annotated[list[Layer], Field(description="Layers whose overlays may set it.")] = Field(
        default_factory=list
    )
    summary: Annotated[Word, Field(description="What it is for.")] = "-"

    @model_validator(mode="after")
    def _sound(self) -> ParamDoc:
        if (self.values is None) == (self.type is None):
            raise problem("TF1108", "a parameter has either `values` or a `type`", "write one of them")
        for name in ("min", "max", "default"):
            value = getattr(self, name)
            if value is not None and (wrong := self.refusal(value)):
                near = suggestion(str(value), map(str, self.values or ()))
                advice = f"did you mean `{near}`?" if near else "choose a value inside the bounds of the parameter"
                raise problem("TF1118", f"`{name}` is {wrong}", advice, near, path=(name,))
        return self

    def refusal(self, value: Any) -> str:
        """Why a value is not one of this parameter's; empty when it is."""
        if self.values is not None:
            return "" if value in self.values else f"not one of {', '.join(map(str, self.values))}"
        kind = self.type or "text"
        if not fits(kind, value):
            return f"not a {kind}: it is {named(value)}"
        for bound, wrong, sign in ((self.min, "below", 1), (self.max, "above", -1)):
            if bound is not None and fits(kind, bound) and kind not in ("text", "boolean"):
                low, high = rank(kind, value), rank(kind, bound)
                if (low < high) if sign == 1 else (low > high):
                    return f"{wrong} the bound {bound}"
        return ""


Params = Annotated[dict[str, ParamDoc], keys_named(SNAKE, "a parameter")]
