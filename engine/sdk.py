"""The plugin API: the only module of the engine a connector may import.

What is here is a promise: it changes meaning only with `API`. The names are grouped as a plugin author meets them:
declaring a plugin, describing its configuration, moving data, failing, and what keeps data exact.
"""

from __future__ import annotations

from engine.core.clock import Clock, SystemClock, day_of, iso
from engine.core.errors import (
    ConfigError,
    Failure,
    Fenced,
    KeyIncomplete,
    Permanent,
    Rejected,
    SettingsError,
    Throttled,
    TillflowError,
    Transient,
    UnknownOutcome,
)
from engine.core.event import Event, split_type
from engine.core.ids import delivery_id, digest, event_id, key_text, native_id, tick_id
from engine.core.jsonx import decode, digest_of, encode, normal, parse, written
from engine.core.masking import gs1_check, is_pan
from engine.core.numbers import EXACT, is_number, plain
from engine.core.outcome import Filtered, Kept, Note, Output
from engine.core.visible import control_in
from engine.expr.env import Env
from engine.expr.errors import ExpressionError
from engine.expr.jmes import Expr
from engine.expr.shape import UNKNOWN, Shape
from engine.expr.types import (
    Anything,
    Date,
    ExpressionArg,
    FieldName,
    Lazy,
    List,
    Moment,
    Number,
    Numbers,
    Object,
    Objects,
    TableName,
    Text,
    Texts,
    YesNo,
)
from engine.expr.values import Refused
from engine.plugins.build import BoundCall, Build, DocumentMapper, Validator
from engine.plugins.conform import conform
from engine.plugins.contracts import (
    PURE,
    Action,
    Arrival,
    AuthScheme,
    BadRecord,
    Call,
    CallRequest,
    Connection,
    ConnectorContext,
    Cut,
    Format,
    Guarantee,
    Reach,
    Record,
    Sent,
    Sink,
    SinkItem,
    SinkResult,
    Source,
    SourceContext,
    Step,
    reaching,
)
from engine.plugins.fields import (
    Condition,
    ConnectionRef,
    Count,
    DeepPath,
    Duration,
    Expression,
    Key,
    KeyExpr,
    LocalName,
    MappingRef,
    Options,
    Path,
    Rate,
    RateValue,
    RawSteps,
    RawValues,
    Reason,
    SchemaRef,
    SecretText,
    Size,
    Steps,
    SubflowRef,
    TableRef,
    Template,
    TemplateRef,
    Value,
    ValueExpr,
    problem,
    seconds,
)
from engine.plugins.frame import ChainState, Frame, Signal, Split, StepContext, put
from engine.plugins.sequence import PlannedStep, StepFailed, StepSequence
from engine.plugins.spec import (
    API,
    ComponentSpec,
    Connector,
    auth_scheme,
    call,
    format,
    function,
    sink,
    source,
    spec_of,
    step,
)
from engine.plugins.values import evaluate, key_parts
from engine.ports.secrets import Secret

__all__ = [  # noqa: RUF022 - in the order a plugin author needs them
    # declaring a plugin: one decorated class per component, one Connector that names them
    "API", "Connector", "ComponentSpec", "spec_of",
    "source", "sink", "call", "format", "auth_scheme", "step", "function",
    # what the classes implement
    "Connection", "Source", "Sink", "Call", "Format", "AuthScheme", "Step", "Cut", "Action", "Guarantee",
    "Reach", "PURE", "reaching",
    # describing configuration: a pydantic model of these field types
    "Options", "Expression", "Condition", "Template", "Value", "Key", "Duration", "Rate", "Size", "Path", "DeepPath",
    "Steps", "Reason", "LocalName", "Count", "RawValues", "SecretText",
    "MappingRef", "SchemaRef", "TableRef", "ConnectionRef", "TemplateRef", "SubflowRef", "problem", "seconds",
    # what those fields hold once they are read
    "Expr", "ValueExpr", "KeyExpr", "RateValue", "RawSteps", "Secret", "evaluate", "key_parts", "conform",
    # what a function's parameters and result are annotated with, and what it raises when there is no answer
    "Text", "Number", "YesNo", "Date", "Moment", "Object", "List", "Texts", "Numbers", "Objects", "Anything",
    "TableName", "FieldName", "Lazy", "ExpressionArg", "Refused",
    # taking data in
    "Arrival", "Record", "BadRecord", "SourceContext",
    # sending data out
    "SinkItem", "SinkResult", "ConnectorContext", "Sent", "CallRequest",
    # steps: what they are built with and what they work on
    "Build", "BoundCall", "DocumentMapper", "Validator", "StepSequence", "PlannedStep", "StepFailed", "Shape",
    "UNKNOWN", "ExpressionError", "Frame", "StepContext", "ChainState", "Signal", "Split", "Filtered", "Kept",
    "Note", "Output", "Env", "put",
    # the event
    "Event", "split_type",
    # failing: the class of a Failure decides what happens next
    "TillflowError", "ConfigError", "SettingsError", "Fenced",
    "Failure", "Transient", "Throttled", "Permanent", "Rejected", "KeyIncomplete", "UnknownOutcome",
    # digits: which are a card number, and which those of goods
    "is_pan", "gs1_check", "control_in",
    # exact data: JSON without floats, numbers, identities, time
    "parse", "decode", "encode", "written", "normal", "digest_of", "is_number", "plain", "EXACT",
    "digest", "key_text", "event_id", "native_id", "delivery_id", "tick_id", "Clock", "SystemClock", "iso", "day_of",
]  # fmt: skip
