"""Everything the pieces of a project refer to, by name. One Catalog lives as long as one compilation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from engine.compile.digests import content_digest
from engine.compile.flow import certain
from engine.compile.report import Place, Report
from engine.compile.schemas.collection import Schemas
from engine.compile.texts import Texts, text_finding
from engine.config.project import Project
from engine.config.substitution import giving, with_secrets
from engine.expr.errors import ExpressionError
from engine.expr.shape import UNKNOWN, Shape
from engine.expr.template import Template
from engine.plugins.contracts import Format
from engine.plugins.registry import Registry
from engine.plugins.spec import ComponentKind
from engine.ports.secrets import SecretSource

if TYPE_CHECKING:
    from engine.compile.mapping.collection import Mappings
    from engine.compile.pieces import Pieces
    from engine.compile.plan import EventType, PlannedConnection, PlannedTable

CODES: Mapping[str, tuple[str, str]] = {
    "connection": ("TF3001", "connection"),
    "mapping": ("TF3002", "mapping"),
    "schema": ("TF3003", "schema"),
    "table": ("TF3004", "table"),
    "template": ("TF3005", "template file"),
    "subflow": ("TF3006", "subflow"),
    "route": ("TF3016", "route"),
}


class Catalog:
    """What names lead to.

    `connections`, `tables`, `types` and `mappings` are filled in by the compiler, in that order, before any route is
    compiled. `used` notes every (kind, name) that something refers to.
    """

    mappings: Mappings

    def __init__(
        self,
        project: Project,
        registry: Registry,
        secrets: SecretSource,
        texts: Texts,
        report: Report,
        schemas: Schemas,
        formats: Pieces[Shape],
    ) -> None:
        self.project = project
        self.registry = registry
        self._secrets = secrets
        self.secret_versions: dict[str, str] = {}
        self.texts = texts
        self.report = report
        self.schemas = schemas
        self._formats = formats
        self.connections: Mapping[str, PlannedConnection] = {}
        self.tables: Mapping[str, PlannedTable] = {}
        self.types: Mapping[str, EventType] = {}
        self.rows: Mapping[str, Shape] = {}
        self.used: set[tuple[str, str]] = set()
        self.judged: dict[Any, tuple[Any, Any, Sequence[ExpressionError]]] = {}
        self.shapes: dict[Any, tuple[Any, Shape]] = {}
        self.bodies: dict[tuple[str, str], Shape] = {}  # (route, sink) -> what is known of the documents it gets
        self.missing: list[tuple[str, str]] = []
        self.read_params: dict[str, set[str]] = {}  # shared steps -> parameters something in them reads

    def known(self, place: Place, kind: str, name: str, *, offset: int | None = None) -> bool:
        """True when there is such a thing; otherwise a finding with the nearest. Notes that it is used."""
        self.used.add((kind, name))
        if self.project.exists(kind, name):
            return True
        code, what = CODES[kind]
        self.missing.append((kind, name))
        place.unknown(code, what, name, self.project.names(kind), offset=offset)
        return False

    def secret_version(self, name: str) -> str:
        """Of a secret, empty where there is none."""
        return self.secret_there(name) or ""

    def secret_there(self, name: str) -> str | None:
        """Version of a secret; None where there is none."""
        try:
            return self._secrets.get(name).version
        except KeyError:
            return None

    def secret_known(self, place: Place, name: str, *, offset: int | None = None) -> None:
        """A finding when the engine was not given this secret."""
        try:
            self.secret_versions[name] = self._secrets.get(name).version
        except KeyError:
            place.finding("TF1053", f"there is no secret `{name}`", help=giving(name), offset=offset, length=len(name))

    def secrets_filled(self, place: Place, value: Any) -> Any:
        """The value with its secrets filled in; a finding for each the engine was not given."""
        filled, findings = with_secrets(value, self._secrets, place.document, place.path)
        self.report.add(*findings)
        return filled

    def installed(self, place: Place, kind: ComponentKind, name: str, code: str, what: str) -> Any:
        """The ComponentSpec of a plugin; None after a finding."""
        spec = self.registry.of(kind).get(name)
        if spec is not None:
            return spec
        if not self.refused(place, kind, name):
            place.unknown(code, what, name, self.registry.of(kind))
        return None

    def refused(self, place: Place, kind: ComponentKind | None, name: str) -> bool:
        """True, with a finding, when a plugin is there and cannot be used."""
        reason = self.registry.unusable(kind, name)
        if not reason:
            return False
        code = "TF3020" if name in self.registry.broken else "TF3019"
        advice = (
            "see `tillflow connectors list`; what it says is for whoever wrote it"
            if code == "TF3020"
            else "install the version written for this engine"
        )
        place.finding(code, reason, help=advice)
        return True

    def template(self, place: Place, name: str) -> Template:
        """A file of mappings/templates/, compiled; an empty one after a finding in it."""
        text = self.project.templates[name]
        try:
            return self.texts.compile_template(text)
        except ExpressionError as error:
            self.report.add(text_finding(f"mappings/templates/{name}", text, error))
            return self.texts.compile_template("")

    def format_shape(self, name: str) -> Shape:
        """What is known of a record of a format with its default options."""
        return self._formats.piece(self, name, (), partial(self._format_shape, name))

    def _format_shape(self, name: str) -> Shape:
        spec = self.registry.formats[name]
        try:
            made: Format = spec.target(spec.config() if spec.config is not None else None)
        except ValidationError:
            return UNKNOWN  # it cannot be used without options, which stand in the route
        return self.record_shape(made.schema())

    def record_shape(self, schema: Mapping[str, Any] | None) -> Shape:
        """What is known of a native record whose format says this of it."""
        return UNKNOWN if schema is None else certain(Shape.from_schema(schema, self.schemas.raw))

    def template_digest(self, name: str) -> str:
        return content_digest("template", self.project.templates.get(name, ""))

    def row_shape(self, table: str) -> Shape:
        """What is known of a row of a table."""
        return self.rows.get(table, UNKNOWN)
