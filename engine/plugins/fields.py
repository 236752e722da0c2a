"""Field types of plugin Configs. What a field is typed as decides how its text is read, checked and completed.

Expressions and templates are compiled while the Config is validated: the validation context must be a Build, and an
error carries a finding code and the place inside the text (see `engine.plugins.typed`).
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from engine.expr.jmes import Expr
from engine.expr.template import Template as CompiledTemplate
from engine.plugins.fieldforms import (
    KeyExpr as KeyExpr,
)
from engine.plugins.fieldforms import (
    RawSteps as RawSteps,
)
from engine.plugins.fieldforms import (
    read_count,
    read_deep_path,
    read_key,
    read_name,
    read_path,
    read_raw_values,
    read_reason,
    read_secret,
    read_steps,
)
from engine.plugins.measured import RateValue as RateValue
from engine.plugins.measured import read_duration, read_rate, read_size
from engine.plugins.measured import seconds as seconds
from engine.plugins.referred import (
    ConnectionName,
    MappingName,
    SchemaName,
    SubflowName,
    TableName,
    TemplateName,
    read_reference,
)
from engine.plugins.typed import Options as Options
from engine.plugins.typed import Typed as Typed
from engine.plugins.typed import problem as problem
from engine.plugins.valueforms import VALUE_KEYS as VALUE_KEYS
from engine.plugins.valueforms import ValueExpr as ValueExpr
from engine.plugins.valueforms import check_value_keys as check_value_keys
from engine.plugins.valueforms import is_slip as is_slip
from engine.plugins.valueforms import read_expression, read_template
from engine.plugins.valueforms import read_value as read_value
from engine.ports.secrets import Secret


def _named_schema(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


_VALUE_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "minProperties": 1,
            "properties": {
                "expr": {"type": "string"},
                "template": {"type": "string"},
                "const": {},
                "optional": {"type": "boolean"},
                "default": {},
                "values": {"type": "object"},
            },
        },
    ]
}

Expression: TypeAlias = Annotated[Expr, Typed(read_expression, "expression", {"type": "string"})]
"""JMESPath over the data, compiled: an Expr. A field typed so is checked against the schema that flows."""
Condition: TypeAlias = Annotated[Expr, Typed(read_expression, "condition", {"type": "string"})]
"""An Expression whose answer has to be yes or no: `expr.condition(data, env)` gives a bool or raises Permanent."""
Template: TypeAlias = Annotated[CompiledTemplate, Typed(read_template, "template", {"type": "string"})]
"""Jinja in a sandbox, compiled; `render(data, env)` gives text."""
Value: TypeAlias = Annotated[ValueExpr, Typed(read_value, "value", _VALUE_SCHEMA)]
"""Bare text is JMESPath; `{template: ..}`, `{const: ..}`, `optional` and `default` as in mappings. A ValueExpr."""
Count: TypeAlias = Annotated[
    ValueExpr, Typed(read_count, "count", {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]})
]
"""A whole number above zero or an expression that gives one. A ValueExpr: `evaluate` gives the number."""
RawValues: TypeAlias = Annotated[dict[str, Any], Typed(read_raw_values, "values", {"type": "object"})]
"""Values under their names as they stand in the file, not compiled; whoever asks for them reads them."""
Key: TypeAlias = Annotated[
    KeyExpr, Typed(read_key, "key", {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
]
"""One expression or a list of them. A KeyExpr: `key_parts` gives the values, a null part raises KeyIncomplete."""
Duration: TypeAlias = Annotated[
    float, Typed(read_duration, "duration", {"type": "string", "pattern": r"^\d+(ms|s|m|h|d)$"})
]
"""`500ms`, `2s`, `5m`, `1h`, `45d`. A float of seconds."""
Rate: TypeAlias = Annotated[
    RateValue, Typed(read_rate, "rate", {"type": "string", "pattern": r"^\d+/\d*(ms|s|m|h|d)$"})
]
"""`50/s`, `600/m`, `10/5s`. A RateValue."""
Size: TypeAlias = Annotated[int, Typed(read_size, "size", {"type": "string", "pattern": r"^\d+(B|KiB|MiB|GiB)$"})]
"""`512B`, `256KiB`, `10MiB`, `1GiB`. An int of bytes."""
Path: TypeAlias = Annotated[tuple[str, ...], Typed(read_path, "path", {"type": "string"})]
"""Names joined by dots: `line.product`. A tuple of the names, as `put` takes it."""
DeepPath: TypeAlias = Annotated[tuple[str, ...], Typed(read_deep_path, "deep path", {"type": "string"})]
"""A Path that may pass through lists, `lines[].sku`. A tuple: `("lines", "[]", "sku")`."""
Reason: TypeAlias = Annotated[
    str, Typed(read_reason, "reason", {"type": "string", "pattern": r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"})
]
"""Why something is filtered or handed to a person: lower case words joined by dashes. A str."""
LocalName: TypeAlias = Annotated[str, Typed(read_name, "local name", {"type": "string"})]
"""The name an item gets inside `each`: one word. A str."""
Steps: TypeAlias = Annotated[RawSteps, Typed(read_steps, "steps", {"type": "array"})]
"""Nested steps. A RawSteps that `Build.steps` builds."""
SecretText: TypeAlias = Annotated[
    Secret, Typed(read_secret, "secret", {"type": "string", "pattern": r"^\$\{secret\.[^}]+\}$"})
]
"""A `${secret.<name>}`, nothing else: a Secret, whose `reveal()` is called where it leaves for the system."""
MappingRef: TypeAlias = Annotated[
    MappingName, Typed(read_reference(MappingName), "mapping", _named_schema("a mapping"))
]
"""Name of a mapping in mappings/. A str that exists."""
SchemaRef: TypeAlias = Annotated[SchemaName, Typed(read_reference(SchemaName), "schema", _named_schema("a schema"))]
"""Name of a schema in mappings/schemas/, `name@n`. A str that exists."""
TableRef: TypeAlias = Annotated[TableName, Typed(read_reference(TableName), "table", _named_schema("a table"))]
"""Name of a table of routes/tables.yaml. A str that exists."""
ConnectionRef: TypeAlias = Annotated[
    ConnectionName, Typed(read_reference(ConnectionName), "connection", _named_schema("a connection"))
]
"""Name of a connection of routes/connections.yaml. A str that exists."""
TemplateRef: TypeAlias = Annotated[
    TemplateName, Typed(read_reference(TemplateName), "template file", _named_schema("a template file"))
]
"""Name of a template file in mappings/templates/. A str that exists."""
SubflowRef: TypeAlias = Annotated[
    SubflowName, Typed(read_reference(SubflowName), "subflow", _named_schema("shared steps"))
]
"""Name of shared steps in routes/. A str that exists."""
