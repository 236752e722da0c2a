"""Where a request may go: built from checked parts, to an address that was looked at."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from engine.sdk import Permanent, Transient, plain

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address in its last four bytes
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect",
    "proxy-authorization",
})  # fmt: skip


def text_of(value: Any, what: str) -> str:
    """A value inside an address or header as text. Raises Permanent `bad-request`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return plain(value) if isinstance(value, int) else f"{value:f}"
    if isinstance(value, str):
        return value
    raise Permanent("bad-request", f"{what} is {type(value).__name__}; it must be text or a number")


def path_of(path: str | Sequence[Any]) -> str:
    """A path, percent-encoded, beginning with `/`.

    Text keeps its `/`; segments of a list are encoded whole. Nothing in it can climb up, change the host or begin a
    query: `..` is refused and everything else is data. Raises Permanent `bad-request`.
    """
    if isinstance(path, str):
        parts = path.removeprefix("/").split("/") if path.strip("/") else []
    else:
        parts = [text_of(part, "a segment of `path`") for part in path]
    for part in parts:
        if part in ("", ".", "..") or "\\" in part or any(ord(char) < 32 or ord(char) == 127 for char in part):
            raise Permanent("bad-request", f"`path` has the segment {part!r}, which could lead elsewhere")
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def query_of(query: Mapping[str, Any]) -> str:
    """A query without `?`, percent-encoded; null leaves a name out, a list repeats it."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                pairs.append((name, text_of(one, f"`query.{name}`")))
    return "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in pairs)


def headers_of(headers: Mapping[str, Any]) -> dict[str, str]:
    """Headers that can be sent as they are; of one written in two ways the last counts. Raises Permanent `bad-request`,
    which holds no value: one may be a secret.
    """
    made: dict[str, tuple[str, str]] = {}
    for name, value in headers.items():
        if value is None:
            continue
        text = text_of(value, f"the header `{name}`")
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS:
            raise Permanent("bad-request", f"the header {name[:40]!r} cannot be set")
        if not text.isprintable() or not _latin(text):
            raise Permanent("bad-request", f"the header `{name}` has a character that cannot be sent")
        if text != text.strip():
            raise Permanent("bad-request", f"the header `{name}` begins or ends with a space, which cannot be sent")
        made[name.lower()] = name, text
    return dict(made.values())


def _latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def is_public(address: str) -> bool:
    """False for private, loopback, link-local, shared, reserved addresses, however they are wrapped."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip in _NAT64_LOCAL:
            return False
    return ip.is_global and not ip.is_multicast


async def resolve(host: str, port: int, allow_private: bool) -> str:
    """An address of the host, every one of which was checked.

    The request goes to the address that is answered here, so a name that changes its mind changes nothing.
    Raises Transient `name-not-found` or Permanent `address-refused`.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Transient("name-not-found", f"{host}: {error.strerror or error}") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private and (private := [address for address in addresses if not is_public(address)]):
        why = f"{host} is at {private[0]}, which is not public"
        raise Permanent("address-refused", f"{why}; a connection says `allow_private: true` to allow it")
    return addresses[0]
