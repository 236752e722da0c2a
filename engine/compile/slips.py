"""Names that a step makes new, and that look like ones that are there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.compile.report import Place
from engine.core.distance import distance
from engine.expr.shape import Shape


def looks_misspelt(
    place: Place, shape: Shape, local: Collection[str], path: Sequence[str], *, key: bool = False
) -> None:
    """A warning for a path that makes something new right beside something that is called almost like it.

    local   names that are given here and stand for something else
    key     the path is a key of the file
    """
    for index, name in enumerate(path):
        if name in local:
            return
        if name in shape.fields or not shape.kinds:
            shape = shape.at(name)
            continue
        near = next((other for other in sorted(shape.fields) if distance(name, other, 1) == 1), "")
        if near and len(name) > 3:
            place.finding(
                "TF3519",
                f"this makes a new `{name}` beside `{near}`",
                help=f"did you mean `{near}`?",
                suggestion=near,
                severity="warning",
                offset=None if key else len(".".join(path[:index])) + (1 if index else 0),
                length=len(name),
                key=key,
            )
        return
