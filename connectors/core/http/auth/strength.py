"""Whether a secret is one: whoever can guess it, or finds it empty, forges every request.

Said when the project is loaded, with file and line, and never to a sender. Nothing here tells the value.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from engine.sdk import Secret, problem

SHORTEST = 8  # characters by which senders prove themselves to us
SHORTEST_KEY = 24  # bytes, as Standard Webhooks asks for
PREFIX = "whsec_"
_KEY_HELP = "use the secret as the sender shows it: `whsec_` and the base64 of at least 24 random bytes"


def is_there(held: Secret) -> bool:
    """False for one that nobody has set: that is a finding of its own, and there is no value to judge."""
    return bool(held.version.strip("+"))


def refuse_blank(config: Any) -> None:
    """No scheme, in either direction, proves anything by nothing. Raises a problem TF5015."""
    for field, held in _secrets(config):
        if not held.reveal().strip():
            why = f"the secret `{held.name}` is blank"
            raise problem("TF5015", why, "set it to the value both sides share", path=(field,))


def refuse_short(config: Any) -> None:
    """What senders prove themselves by is not guessed soon. Raises a problem TF5015."""
    for field, held in _secrets(config):
        if len(held.reveal().strip()) < SHORTEST:
            why = f"the secret `{held.name}` is shorter than {SHORTEST} characters; it can be guessed"
            raise problem("TF5015", why, "take a longer one, of random characters, on both sides", path=(field,))


def webhook_key(held: Secret) -> bytes:
    """The key of a Standard Webhooks secret. Raises a problem TF5016, or TF5015 where it is too short."""
    try:
        key = base64.b64decode(held.reveal().removeprefix(PREFIX), validate=True)
    except ValueError:
        raise problem("TF5016", f"the secret `{held.name}` is not `{PREFIX}` and base64", _KEY_HELP) from None
    if len(key) < SHORTEST_KEY:
        why = f"the secret `{held.name}` stands for fewer than {SHORTEST_KEY} bytes; requests could be forged"
        raise problem("TF5015", why, _KEY_HELP)
    return key


def _secrets(config: Any) -> Iterator[tuple[str, Secret]]:
    for field in type(config).model_fields:
        held = getattr(config, field)
        if isinstance(held, Secret) and is_there(held):
            yield field, held
