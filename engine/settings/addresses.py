"""Addresses of the settings: what form they have, and how people may see them. A password is never told."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from engine.core.errors import SettingsError

PREFIX = "TILLFLOW_"
EMBEDDED = "sqlite"
MOST_PORT = 65535
_FORMS = {
    "transport": (("amqp", "amqps"), "`sqlite`, or the address of a RabbitMQ: amqp://user:password@host:5672/vhost"),
    "store": (
        ("postgresql", "postgres"),
        "`sqlite`, or the address of a PostgreSQL: postgresql://user:password@host:5432/database",
    ),
}


def check_address(name: str, value: str) -> None:
    """Says what is wrong without telling the address: a mistyped one holds the password all the same."""
    schemes, forms = _FORMS[name]
    if value == EMBEDDED:
        return
    told = f"the {name} (--{name} or {PREFIX}{name.upper()})"
    if not value.isprintable() or " " in value:
        raise SettingsError(f"{told} is no address: there is a space or a control character in it. It is {forms}")
    scheme, separator, _ = value.partition("://")
    if not separator:
        known = repr(value) if re.fullmatch(r"[a-z0-9_-]{1,30}", value) else "what was given"
        raise SettingsError(f"{told} cannot be {known}; it is {forms}")
    if scheme not in schemes:
        raise SettingsError(f"{told} cannot begin with {scheme!r}://; it is {forms}")
    try:
        parts = urlsplit(value)
        good = _names_a_place(parts) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise SettingsError(f"{told} is no address: host or port are not right. It is {forms}")
    if name == "transport" and "/" in parts.path[1:]:
        raise SettingsError(f"{told} names a vhost with a / in it; write that one as %2F. It is {forms}")


def _names_a_place(parts: SplitResult) -> bool:
    """A host; of a PostgreSQL a database or what stands behind `?` is enough: it may listen at a socket."""
    return bool(parts.hostname or (parts.scheme.startswith("postgres") and (parts.path.strip("/") or parts.query)))


def listening_at(text: str, ports: int = 1) -> tuple[str, int]:
    """Host and port of `host:port`; ("", 0) where nothing is given. Raises SettingsError for what is no address.

    ports   so many in a row are needed, one for each worker
    """
    if not text:
        return "", 0
    host, separator, port = text.rpartition(":")
    if not separator or not host or not text.isprintable() or not re.fullmatch(r"[0-9]{1,6}", port):
        raise SettingsError(
            f"{text!r} is no address to listen at (--http or {PREFIX}HTTP); write host:port, as in 127.0.0.1:9464"
        )
    number = int(port)
    if number and number + ports - 1 > MOST_PORT:
        each = f", and {ports} workers need one each" if ports > 1 else ""
        raise SettingsError(
            f"{text!r} is no address to listen at (--http or {PREFIX}HTTP): ports end at {MOST_PORT}{each}; choose a "
            "smaller one"
        )
    return host.strip("[]"), number


def where(address: str) -> str:
    """An address as people may see it: without user's password and without what stands behind `?`."""
    if "://" not in address:
        return address
    scheme, _, rest = address.partition("://")
    plain = rest.partition("?")[0]
    front, at, host = plain.rpartition("@")
    user = front.partition(":")[0]
    return f"{scheme}://{user}{at}{host}"
