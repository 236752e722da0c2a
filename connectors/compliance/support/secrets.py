"""Secrets: handed to a function of an expression, or named in a step's settings."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from engine.sdk import Build, Env, Permanent, Refused, Secret, ValueExpr


def revealed(value: Any, what: str) -> str:
    """The value of a secret. Raises Refused for text, which would stand in a file, and for an empty one."""
    if not isinstance(value, Secret):
        raise Refused(f"{what} comes from a secret: write secret('<name>')", "invalid-value")
    found = value.reveal()
    if not found:
        raise Refused(f"{what} is empty", "invalid-value")
    return found


SecretName = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]


def announce_secret(build: Build, name: str | None, field: str) -> None:
    """A finding at `field` when the engine was not given this secret; its version becomes part of the Plan."""
    if name:
        asked = ValueExpr(expr=build.expression(f"present(secret('{name}'))"))
        build.check(asked, build.shape, field)


def secret_of(env: Env, name: str) -> str:
    """The value of a secret. Raises Permanent `fiscal-keys-unusable` when it is not set where the engine runs."""
    try:
        found: str = env.secret(name).reveal()
    except KeyError:
        raise Permanent("fiscal-keys-unusable", f"the secret `{name}` is not set where the engine runs") from None
    return found
