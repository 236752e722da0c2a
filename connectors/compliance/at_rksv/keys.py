"""The keys an RKSV step works with, out of its configuration."""

from __future__ import annotations

from typing import Any

from connectors.compliance.at_rksv import jws
from connectors.compliance.at_rksv.counter import aes_key
from connectors.compliance.support.secrets import secret_of
from engine.sdk import Env, Permanent, ValueExpr, evaluate


def keys_of(value: ValueExpr | None, data: Any, env: Env) -> dict[str, Any]:
    """Public keys by the id receipts name them with. Raises Permanent `fiscal-keys-unusable`."""
    found: Any = next(iter([] if value is None else evaluate(value, data, env, "keys")), {})
    rows = found if isinstance(found, list) else [found]
    if all(isinstance(row, dict) and {"id", "key"} <= set(row) for row in rows):
        found = {str(row["id"]): row["key"] for row in rows}
    try:
        if not isinstance(found, dict):
            raise ValueError("the keys are neither {id: key} nor rows with `id` and `key`")
        return jws.public_keys(found)
    except ValueError as error:
        raise Permanent("fiscal-keys-unusable", str(error)) from None


def aes_of(name: str | None, env: Env) -> bytes | None:
    """The key of the turnover counter; None where none is configured. Raises Permanent `fiscal-keys-unusable`."""
    try:
        return None if name is None else aes_key(secret_of(env, name))
    except ValueError as error:
        raise Permanent("fiscal-keys-unusable", str(error)) from None


def signing_key_of(name: str, env: Env) -> Any:
    """The private key. Raises Permanent `fiscal-keys-unusable`."""
    try:
        return jws.private_key(secret_of(env, name))
    except ValueError as error:
        raise Permanent("fiscal-keys-unusable", str(error)) from None
