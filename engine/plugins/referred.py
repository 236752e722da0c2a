"""Names in a Config that must exist elsewhere in the project, one class for each kind of thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.plugins.valueforms import text_of


class Reference(str):
    """A name that must exist elsewhere in the project; `what` says which kind."""

    what = ""


class MappingName(Reference):
    """A mapping in mappings/."""

    what = "mapping"


class SchemaName(Reference):
    """A schema `name@n` in mappings/schemas/."""

    what = "schema"


class TableName(Reference):
    """A table of routes/tables.yaml."""

    what = "table"


class ConnectionName(Reference):
    """A connection of routes/connections.yaml."""

    what = "connection"


class TemplateName(Reference):
    """A template file in mappings/templates/."""

    what = "template file"


class SubflowName(Reference):
    """Shared steps in routes/, declared with `subflow:`."""

    what = "subflow"


def read_reference(kind: type[Reference]) -> Callable[[Any, Any], Reference]:
    """A reader that makes references of this kind. Whether the name exists is checked when the route is compiled."""
    return lambda value, build: kind(text_of(value, f"the name of a {kind.what}"))
