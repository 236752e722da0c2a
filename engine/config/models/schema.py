"""What the schema of an event type says of identity (`x-tillflow`); JSON Schema itself is checked by the compiler."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from engine.config.models.base import ExpressionText, Skeleton, Word, named, problem


def _key(value: Any) -> Any:
    parts = value if isinstance(value, list) else [value]
    if not parts:
        raise problem("TF1123", "a key has at least one part", "write [store.id, receipt_no]")
    for index, part in enumerate(parts):
        if not isinstance(part, str) or not part.strip():
            path = (index,) if isinstance(value, list) else ()
            raise problem(
                "TF1120", f"a part of a key is an expression, this is {named(part)}", "write a path", path=path
            )
    return value


KeyText = Annotated[Any, AfterValidator(_key)]


class IdentityDoc(Skeleton):
    """What makes two events of a type the same, and what people search and must not see."""

    key: Annotated[KeyText, Field(description="What identifies an event, whatever brought it.")]
    guard: Annotated[KeyText | None, Field(description="Same key, other guard: a conflict.")] = None
    order_by: Annotated[KeyText | None, Field(description="Events of one such key have an order.")] = None
    sequence: Annotated[ExpressionText, Field(description="The source's own dense number within that order.")] = None
    business_date: Annotated[
        ExpressionText, Field(description="The day it belongs to, YYYY-MM-DD; of a date-time: `date(created_at)`.")
    ] = None
    search: Annotated[
        dict[str, ExpressionText], Field(description="Names people find an event by, each with an expression.")
    ] = Field(default_factory=dict)
    private: Annotated[list[Word], Field(description="Paths that are hidden from people.")] = Field(
        default_factory=list
    )
    amount: Annotated[ExpressionText, Field(description="What completeness is reckoned in.")] = None
    currency: Annotated[ExpressionText, Field(description="Currency of that amount.")] = None


class SchemaHead(Skeleton):
    """The part of a schema file that is ours."""

    id: Annotated[Word, Field(alias="$id", description="Name and version, as in the file's name.")]
    compatible_with: Annotated[
        int | None, Field(ge=1, description="Subscribers of this older version take it too.")
    ] = None
    identity: Annotated[
        IdentityDoc | None,
        Field(alias="x-tillflow", description="What is below: values are expressions over the data."),
    ] = None
