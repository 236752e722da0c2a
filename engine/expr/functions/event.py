"""The event around the data, the route's parameters, the clock, and identities."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.core.ids import digest
from engine.core.quoting import short
from engine.expr.env import Env
from engine.expr.functions.dates import moment
from engine.expr.types import Anything, MetaName, Moment, ParamName, SecretName, Text
from engine.expr.values import Refused, undated

META = ("id", "type", "schema", "source", "subject", "time", "day", "region", "route", "attempt")


def meta(env: Env, name: MetaName) -> Anything:
    """A fact of the event: id, type, schema, source, subject, time, day, region, route, attempt or header.<name>.

    meta('schema') -> "sale.completed@2"
    """
    return env.meta(name)


def header(env: Env, name: Text) -> Anything:
    """A header the event came with (of an HTTP request, of a file), or null.

    header('file') -> "sales.xml"
    """
    return env.meta(f"header.{name}")


def param(env: Env, name: ParamName) -> Anything:
    """A parameter of the route or of the shared steps being run.

    param('posting') -> "line"
    """
    try:
        return env.param(name)
    except KeyError:
        raise Refused(f"the route has no parameter `{short(name)}`; declare it under params", "invalid-value") from None


def secret(env: Env, name: SecretName, key: Text = "") -> Anything:
    """A secret by name (of a family: by name and key). It goes to functions and systems, never into the data.

    secret('crm_key') -> "***"
    """
    try:
        return env.secret(name, str(key))
    except KeyError:
        raise Refused(f"the secret `{short(name)}` is not set where the engine runs", "invalid-value") from None


def now(env: Env) -> Moment:
    """This moment. Not for keys: a repeat of the event sees another one; meta('time') stays the same.

    now() -> "2026-03-14T09:20:00.000000Z"
    """
    return moment(datetime.fromtimestamp(env.now() / 1_000_000, UTC))


def uuid_of(first: Anything, *others: Anything) -> Text:
    """A UUID made of the parts: the same parts give the same one, always. A null part is an error.

    uuid_of('0012', '03', `1001`) -> "223626c2-fef0-88ee-b6bf-17fc81e12f4f"
    """
    found = digest("uuid", *map(undated, (first, *others)))
    return f"{found[:8]}-{found[8:12]}-8{found[13:16]}-{'89ab'[int(found[16], 16) % 4]}{found[17:20]}-{found[20:]}"


FUNCTIONS = (meta, header, param, secret, now, uuid_of)
