"""Parameters: their values in the base Plan, and those given to shared steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.compile.report import Place
from engine.config.models.params import ParamDoc

Values = dict[str, Any]
Choices = dict[str, list[Any]]


def defaults(docs: Mapping[str, ParamDoc]) -> tuple[Values, Choices]:
    """Values of a route's parameters where no overlay sets them, and the values that are listed."""
    return {name: doc.default for name, doc in docs.items()}, _choices(docs)


def param_values(
    place: Place, docs: Mapping[str, ParamDoc], given: Mapping[str, Any], subflow: str
) -> tuple[Values, Choices]:
    """Values for shared steps; what is unknown, missing or out of bounds is a finding at `place`."""
    for name, value in given.items():
        if name not in docs:
            place.at(name).unknown("TF1052", f"parameter of `{subflow}` called", name, docs, key=True)
        elif wrong := docs[name].refusal(value):
            place.at(name).finding("TF4012", f"this is {wrong}", help=f"see `params` of {subflow}")
    values: Values = {}
    usable = {name: value for name, value in given.items() if name in docs and not docs[name].refusal(value)}
    for name, doc in docs.items():
        if name not in given and doc.default is None:
            place.finding(
                "TF4012", f"`{name}` is missing: `{subflow}` has no default for it", key=True, help=f"add `{name}:`"
            )
        values[name] = usable.get(name, doc.default)
    return values, _choices(docs)


def _choices(docs: Mapping[str, ParamDoc]) -> Choices:
    return {name: doc.values for name, doc in docs.items() if doc.values is not None}
