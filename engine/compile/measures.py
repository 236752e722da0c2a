"""Durations, rates and numbers of a skeleton, read once their parameters are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engine.compile.report import Place
from engine.plugins.fields import Duration, Rate, RateValue

_DURATION: TypeAdapter[float] = TypeAdapter(Duration)
_RATE: TypeAdapter[RateValue] = TypeAdapter(Rate)


class Measures:
    """Reads values that may be references to these parameters."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params

    def duration(self, place: Place, raw: Any, default: float) -> float:
        """Seconds; the default when nothing is written or after a finding."""
        made = self._read(place, raw, _DURATION)
        return default if made is None else float(made)

    def span(self, place: Place, raw: Any, default: float) -> float:
        """A duration that is longer than nothing: in no time at all nothing can be done."""
        made = self.duration(place, raw, default)
        if made > 0:
            return made
        place.finding("TF1124", "no time at all is left for it", help="write how long it may take: 500ms, 30s")
        return default

    def rate(self, place: Place, raw: Any) -> RateValue | None:
        """Count per seconds; None when nothing is written or after a finding."""
        made = self._read(place, raw, _RATE)
        return made if isinstance(made, RateValue) else None

    def number(self, place: Place, raw: Any, default: float) -> float:
        """A number as it is used for waiting times, never for amounts."""
        filled = place.filled(raw, self._params)
        if isinstance(filled, int | Decimal) and not isinstance(filled, bool):
            return float(filled)
        if filled is not None:
            place.finding("TF1103", "this is a number", help="write digits: 5")
        return default

    def _read(self, place: Place, raw: Any, adapter: TypeAdapter[Any]) -> Any:
        if raw is None:
            return None
        # A parameter that does not exist was reported where the file was read.
        filled = place.filled(raw, self._params)
        if filled is None:
            return None
        try:
            return adapter.validate_python(filled)
        except ValidationError as error:
            told = error.errors(include_url=False)[0]["ctx"]
            place.finding(told["code"], told["message"], help=told["help"])
            return None
