"""The field `auth`: `{scheme: stripe, secret: ..}`, read into a scheme with its own validated Config."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import ValidationInfo, WithJsonSchema
from pydantic.functional_validators import PlainValidator

from connectors.core.http.auth.oauth2 import OAuth2
from connectors.core.http.auth.plain import ApiKey, Basic, Bearer, Hmac, NoAuth
from connectors.core.http.auth.strength import refuse_blank, refuse_short
from connectors.core.http.auth.vendors import GitHub, Shopify, Square, StandardWebhooks, Stripe, Twilio
from engine.sdk import AuthScheme, problem, spec_of

SCHEMES: dict[str, type[AuthScheme]] = {
    spec_of(scheme).name: scheme
    for scheme in (
        ApiKey, Basic, Bearer, GitHub, Hmac, NoAuth, OAuth2, Shopify, Square, StandardWebhooks, Stripe, Twilio,
    )
}  # fmt: skip


class AuthUse(NamedTuple):
    """A scheme and its settings; `build` makes one with a state of its own."""

    scheme: type[AuthScheme]
    config: Any

    def build(self) -> AuthScheme:
        return self.scheme(self.config)


def read_auth(value: Any, info: ValidationInfo) -> AuthUse | None:
    """`{scheme: name, ..}`; schemes of other plugins are known through the validation context."""
    if value is None or isinstance(value, AuthUse):
        return value
    if not isinstance(value, dict) or not isinstance(value.get("scheme"), str):
        raise problem("TF5010", "`auth` names a `scheme`", "write auth: {scheme: bearer, token: ${secret.token}}")
    name = value["scheme"]
    scheme = SCHEMES.get(name) or _of_others(name, info.context)
    if scheme is None:
        nearest = next(iter(get_close_matches(name, SCHEMES, 1, 0.5)), "")
        raise problem("TF5011", f"there is no auth scheme `{name}`", f"known: {', '.join(SCHEMES)}", nearest)
    settings = {key: setting for key, setting in value.items() if key != "scheme"}
    config = scheme.Config.model_validate(settings, context=info.context)
    refuse_blank(config)
    return AuthUse(scheme, config)


def fit_for_senders(use: AuthUse | None) -> AuthUse | None:
    """The `auth` of a place where others deliver: whoever guesses its secret is taken for them. Raises a problem."""
    if use is not None:
        if use.scheme.verify is AuthScheme.verify:
            raise _one_way(use, "checks no request that comes in", "verify")
        refuse_blank(use.config)
        refuse_short(use.config)
    return use


def fit_for_sending(use: AuthUse | None) -> AuthUse | None:
    """The `auth` of a system that we ask. Raises a problem where its scheme is for senders only."""
    if use is not None and use.scheme.sign is AuthScheme.sign:
        raise _one_way(use, "signs no request that goes out", "sign")
    return use


def _one_way(use: AuthUse, why: str, able: str) -> Exception:
    others = sorted(name for name, one in SCHEMES.items() if getattr(one, able) is not getattr(AuthScheme, able))
    help = f"of those that do there are {', '.join(others)}; `auth` of a connection is for `url` and `listen` alike"
    return problem("TF5017", f"the scheme `{spec_of(use.scheme).name}` {why}", help, path=("scheme",))


def _of_others(name: str, context: Any) -> type[AuthScheme] | None:
    lookup = getattr(context, "auth_scheme", None)
    return lookup(name) if callable(lookup) else None


OptionalAuth: TypeAlias = Annotated[
    AuthUse | None,
    PlainValidator(read_auth),
    WithJsonSchema(
        {
            "type": "object",
            "required": ["scheme"],
            "properties": {"scheme": {"type": "string", "enum": sorted(SCHEMES)}},
            "description": "How requests prove who sends them.",
        }
    ),
]
