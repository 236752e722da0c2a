"""What systems repeat of us in their errors is never written down."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest

from engine.compile.plan import PlannedConnection
from engine.core.errors import Permanent, Throttled
from engine.ports.secrets import Secret
from engine.runtime.people.hiding import hidden, hidden_text

TOKEN = "s3cret/with+signs"


def connection(value: str = TOKEN) -> PlannedConnection:
    auth = SimpleNamespace(scheme="bearer", token=Secret("shop", value, "1"))
    return PlannedConnection("shop", "core.http", {"url": "http://127.0.0.1", "auth": [auth]}, "d")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"status 401: {TOKEN} is not known", "status 401: *** is not known"),
        (f"got {base64.b64encode(TOKEN.encode()).decode()}", "got ***"),
        ("http://127.0.0.1/?key=s3cret%2Fwith%2Bsigns", "http://127.0.0.1/?key=***"),
        ("Authorization: Bearer fetched-while-running.x", "Authorization: Bearer ***"),
        ("card 4111111111111111 is blocked", "card 411111******1111 is blocked"),
        ("status 422: the amount is wrong", "status 422: the amount is wrong"),
    ],
)
def test_a_failure_is_kept_without_them(said: str, kept: str) -> None:
    failure = hidden(Throttled("refused", said, after=3.0, data={"answer": [said], "status": 422}), connection())

    assert (failure.detail, str(failure), failure.data) == (kept, f"refused: {kept}", {"answer": [kept], "status": 422})
    assert isinstance(failure, Throttled) and failure.after == 3.0
    assert hidden_text(said, connection()) == kept


@pytest.mark.parametrize("planned", [None, connection("it")])
def test_a_secret_too_short_to_tell_from_words_hides_nothing(planned: Any) -> None:
    assert hidden(Permanent("refused", "it is wrong"), planned).detail == "it is wrong"
