"""Connections: configured connector instances, their secrets filled in and their limits read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace
from pydantic import BaseModel

from engine.compile.bind import bind
from engine.compile.build import Builder
from engine.compile.calls import INSTALLED_SINCE
from engine.compile.catalog import Catalog
from engine.compile.digests import content_digest
from engine.compile.measures import Measures
from engine.compile.plan import PlannedConnection
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.config.models.resources import BreakerDoc, ConnectionDoc, LimitsDoc
from engine.config.substitution import is_unset, with_secrets
from engine.plugins.spec import Connector
from engine.ports.secrets import Secret, SecretSource

# Keys of a connection that are the engine's own; everything else belongs to the connector.
OWN_KEYS = tuple(info.alias or name for name, info in ConnectionDoc.model_fields.items())


def plan_connections(catalog: Catalog, secrets: SecretSource) -> dict[str, PlannedConnection]:
    """Every connection that has no finding."""
    loaded = catalog.project.connections
    if loaded is None:
        return {}
    planned: dict[str, PlannedConnection] = {}
    for name, doc in loaded.model.connections.items():
        place = Place(catalog.report, loaded.document, ("connections", name))
        made = _Planner(catalog, secrets, loaded.model.connections).plan(place, name, doc)
        if made is not None:
            planned[name] = made
    return planned


class _Planner:
    def __init__(self, catalog: Catalog, secrets: SecretSource, docs: Mapping[str, ConnectionDoc]) -> None:
        self._catalog = catalog
        self._secrets = secrets
        self._docs = docs

    def plan(self, place: Place, name: str, doc: ConnectionDoc) -> PlannedConnection | None:
        connector = self._connector(place, doc.connector)
        chain = self._chain(place, name, doc)
        if connector is None or chain is None:
            return None
        options, findings = with_secrets(doc.options, self._secrets, place.document, place.path)
        place.report.add(*findings)
        config = self._config(place, connector, options)
        if findings or (config is None and connector.connection is not None) or self._unset(name, chain):
            return None
        zone = next((each.zone for each in chain if each.zone), "")
        limits = next((each.limits for each in chain if each.limits), LimitsDoc())
        digest = content_digest("connection", doc.connector, connector.version, options, zone, limits.model_dump())
        versions = {secret.name: secret.version for secret in _secrets(options)}
        return _with_limits(place, PlannedConnection(name, doc.connector, config, digest, zone, versions), limits)

    def _connector(self, place: Place, name: str) -> Connector | None:
        registry = self._catalog.registry
        connector = registry.connectors.get(name)
        if connector is not None:
            return connector
        at = place.at("connector")
        if self._catalog.refused(at, None, name):
            return None
        at.unknown("TF3012", "connector", name, registry.connectors, more=INSTALLED_SINCE)
        return None

    def _chain(self, place: Place, name: str, doc: ConnectionDoc) -> list[ConnectionDoc] | None:
        """The connection and those it is like, itself first."""
        chain, seen = [doc], {name}
        while chain[-1].like:
            like = chain[-1].like
            other = self._docs.get(like)
            at = place.at("like")
            if other is None:
                if len(chain) == 1:
                    at.unknown("TF3001", "connection", like, [n for n in self._docs if n != name])
                return None
            if like in seen:
                at.finding(
                    "TF3021", f"`like` leads back to `{like}`", help="name a connection that has limits of its own"
                )
                return None
            if other.connector != doc.connector:
                advice = f"`{like}` belongs to {other.connector}, this one to {doc.connector}"
                at.finding("TF3021", f"`{like}` is a connection of another connector", help=advice)
                return None
            seen.add(like)
            self._catalog.used.add(("connection", like))
            chain.append(other)
        return chain

    def _unset(self, name: str, chain: list[ConnectionDoc]) -> bool:
        """A value of the environment is missing, here or in what this one is like. It is told where it stands."""
        loaded = self._catalog.project.connections
        raw = loaded.document.data["connections"] if loaded is not None else {}
        return any(is_unset(raw[each]) for each in (name, *(doc.like for doc in chain if doc.like)))

    def _config(self, place: Place, connector: Connector, options: dict[str, Any]) -> Any:
        model = getattr(connector.connection, "Config", None)
        if model is None:
            for key in options:
                place.at(key).unknown("TF1101", f"option of {connector.name} called", key, OWN_KEYS, key=True)
            return None
        options = self._without_limits(place, options, model)
        return bind(
            place,
            model,
            options,
            Builder(Scope(self._catalog), place),
            also=OWN_KEYS,
            what=f"a {connector.name} connection",
        )

    def _without_limits(self, place: Place, options: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
        """Limits that stand one level too far out are told where they belong."""
        misplaced = [key for key in options if key in LimitsDoc.model_fields and key not in model.model_fields]
        for key in misplaced:
            advice = "it belongs under `limits`: indent it more by two spaces"
            place.at(key).finding("TF1106", f"`{key}` does not belong in a connection", key=True, help=advice)
        return {key: value for key, value in options.items() if key not in misplaced}


def _secrets(value: Any) -> Iterator[Secret]:
    """Every secret in the options."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _secrets(item)


def _with_limits(place: Place, connection: PlannedConnection, limits: LimitsDoc) -> PlannedConnection:
    measures, breaker = Measures({}), limits.breaker or BreakerDoc()
    at = place.at("limits")
    return replace(
        connection,
        rate=measures.rate(at.at("rate"), limits.rate),
        concurrency=limits.concurrency or connection.concurrency,
        timeout=measures.span(at.at("timeout"), limits.timeout, connection.timeout),
        breaker_failures=breaker.failures,
        breaker_within=measures.duration(at.at("breaker", "within"), breaker.within, connection.breaker_within),
        probe_every=measures.span(at.at("breaker", "probe_every"), breaker.probe_every, connection.probe_every),
    )
