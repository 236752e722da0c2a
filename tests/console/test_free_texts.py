"""What people write freely is judged at the API's door: over HTTP, over the Unix socket and by the command line alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import httpx
import pytest

from engine.console import PREFIX
from engine.console.api import make_app
from engine.console.revisions import RevisionVerbs
from engine.console.said import MOST_ACTOR, MOST_REASON, MOST_SEARCH
from engine.console.serve import serving
from engine.settings import Settings

SETTINGS = Settings(Path("/shop"), Path("/shop/.tillflow"))
DECISIONS = ["work/ab/edit", "work/ab/replay", "work/ab/resolve", "work/ab/discard"]
CHANGES = ["revisions/apply", "revisions/1/rollback"]


class Asked:
    """A Control and a Reload: they note what reaches them."""

    def __init__(self) -> None:
        self.verbs: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        async def verb(*given: Any, **named: Any) -> dict[str, Any]:
            self.verbs.append((name, (*given, *named.values())))
            return {}

        return verb


def answer(path: Path, method: str, url: str, body: Any = None) -> tuple[httpx.Response, Asked]:
    """Over a Unix socket, as the command line asks a running engine."""
    asked = Asked()

    async def main() -> httpx.Response:
        app = make_app(asked, RevisionVerbs(asked, SETTINGS))  # type: ignore[arg-type]
        async with serving(app, path / "engine.sock"):
            transport = httpx.AsyncHTTPTransport(uds=str(path / "engine.sock"))
            async with httpx.AsyncClient(transport=transport, base_url="http://engine") as client:
                return await client.request(method, PREFIX + url, content=json.dumps(body).encode() if body else None)

    return anyio.run(main), asked


@pytest.mark.parametrize("verb", DECISIONS + CHANGES)
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"reason": "x" * (MOST_REASON + 1)}, f"a reason has at most {MOST_REASON} characters, this one has 2001"),
        ({"actor": "x" * (MOST_ACTOR + 1)}, f"a name has at most {MOST_ACTOR} characters, this one has 201"),
        ({"reason": "no\0"}, r"a reason has no control characters; there is '\x00' in this one"),
        ({"reason": "\x1b[31mred"}, r"a reason has no control characters; there is '\x1b' in this one"),
        ({"actor": "ana\nben"}, r"a name has no control characters; there is '\n' in this one"),
        ({"reason": " "}, "`actor` and `reason` are texts: who decides, and why"),
    ],
)
def test_who_and_why_are_judged(tmp_path: Path, verb: str, given: dict[str, str], told: str) -> None:
    response, asked = answer(tmp_path, "POST", f"/{verb}", {"actor": "ana", "reason": "why", "body": "1", **given})

    assert response.status_code == 400
    assert response.json()["error"] == {"reason": "bad-request", "detail": told}
    assert asked.verbs == []


def test_the_longest_reason_over_two_lines_is_taken(tmp_path: Path) -> None:
    reason = "first\n\t" + "x" * (MOST_REASON - 7)
    response, asked = answer(tmp_path, "POST", "/work/ab/discard", {"actor": "\u00e1na " * 40, "reason": reason})
    assert response.status_code == 200
    assert asked.verbs == [("work_discard", ("ab", "\u00e1na " * 40, reason))]


@pytest.mark.parametrize("url", ["trace?text=", "work?text=", "work?owner=", "work?name=", "figures?route=", "work/"])
@pytest.mark.parametrize(
    ("text", "told"), [("x" * (MOST_SEARCH + 1), "has at most 1000 characters"), ("a\0", "no NUL")]
)
def test_what_is_looked_for_is_judged(tmp_path: Path, url: str, text: str, told: str) -> None:
    response, asked = answer(tmp_path, "GET", f"/{url}{quote(text)}")

    assert response.status_code == 400
    assert told in response.json()["error"]["detail"]
    assert asked.verbs == []


def test_a_key_may_hold_what_a_file_held(tmp_path: Path) -> None:
    response, asked = answer(tmp_path, "GET", f"/trace?text={quote('1001' + chr(10) + chr(27))}&name=receipt")
    assert response.status_code == 200
    assert asked.verbs == [("trace", ("1001\n\x1b", "receipt", []))]
