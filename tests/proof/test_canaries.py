"""A card number and a secret go through a flow that works and through every way to fail: nobody finds them afterwards.

Looked at are all bytes of the state folder, the log, what the commands print, and what the outside systems got. The
files of the tills themselves, and the header the secret is meant for, are where they belong.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.proof import checker, projects, till
from tests.proof.conftest import Outside
from tests.proof.outside import CARD
from tests.proof.place import Place

PAN = "4111111111111111"
MASKED = b"411111******1111"
SECRET = "canary-Zq7-9f2c-never-shown"
FORMS = [PAN, "4111 1111 1111 1111", "4111-1111-1111-1111"]
TOKEN = '    auth: {scheme: bearer, token: "${secret.shop_token}"}\n'
SINK = (
    "  - {{id: {0}, use: core.http, connection: {0}, action: post, "
    "with: {{path: {{const: /once}}, body: {{reference: receipt, total: total, note: note}}}}, {1}}}\n"
)
CHECK = 'steps:\n  - {id: small, check: [{that: "total < `900`", otherwise: {work_item: too-much, detail: note}}]}\n'


@dataclass(frozen=True)
class Ended:
    """Where everything is, the work items, what the commands printed, and what the outside got."""

    place: Place
    items: list[dict[str, Any]]
    printed: str
    log: Path


@pytest.fixture(scope="module")
def ended(outside: Outside, tmp_path_factory: Any) -> Iterator[Ended]:
    shop = projects.CONNECTIONS.partition("  shop:\n")[2]
    strict = shop.replace("${OUTSIDE:", "${STRICT:")
    connections = projects.CONNECTIONS + TOKEN + "  strict:\n" + strict + TOKEN
    connections = connections.replace(
        '  books: {connector: core.sql, url: "${BOOKS}", zone: eu, limits: {timeout: 2s}}\n', ""
    )
    to = SINK.format("shop", projects.RETRY) + SINK.format("strict", projects.RETRY)
    files = projects.project(projects.posting(to, CHECK), {"routes/connections.yaml": connections})
    environ = {
        "OUTSIDE": f"{outside.url}/canary/none",
        "STRICT": f"{outside.url}/canary-strict/echo",
        "TILLFLOW_SECRET_SHOP_TOKEN": SECRET,
    }
    place = Place(tmp_path_factory.mktemp("canary"), files, environ)
    place.drop("good.jsonl", till.written(till.sale(n, note=f"card {form}") for n, form in enumerate(FORMS)))
    place.drop("costly.jsonl", till.written([till.sale(1000, note=json.dumps({"card": PAN}))]))
    place.drop("wrong.jsonl", till.written([till.sale(5) | {"total": f"card {PAN}"}]) + f"no json {PAN}\n".encode())
    place.drop(f"{PAN}.jsonl", till.written([till.sale(7, note=f"card {PAN}", number_of_card=int(PAN))]))
    life = place.start()
    assert place.quiet(life), place.told()
    printed = "".join(commands(place))
    assert life.stop() == 0
    printed += "".join(commands(place, "--format", "json"))
    yield Ended(place, place.items(), printed, outside.folder / "canary")


def commands(place: Place, *form: str) -> Iterator[str]:
    """Everything that shows events, of a running engine or of its folder."""
    for item in place.items():
        yield place.cli("work", "show", item["id"], *form)
    for words in (["work", "list"], ["status"], ["trace", "A0001"], ["trace", "A1000"], ["doctor"]):
        yield place.cli(*words, *form)


def kept(place: Place) -> Iterator[tuple[str, bytes]]:
    """Every file but those of the tills and of the project."""
    own = (place.inbox, place.archive, place.failed, place.project)
    for file in sorted(place.folder.rglob("*")):
        if file.is_file() and not any(file.is_relative_to(folder) for folder in own):
            yield str(file.relative_to(place.folder)), file.read_bytes()


def test_there_were_all_ways_to_fail(ended: Ended) -> None:
    reasons = sorted(item["reason"] for item in ended.items)

    assert len([item for item in ended.items if item["sink"] == "strict"]) == 4
    assert {"too-much", "schema-violation", "refused"} <= set(reasons) and len(reasons) == 7
    assert len(checker.of_log(ended.log, "once")) == 4


@pytest.mark.parametrize("form", [*FORMS, CARD])
def test_a_card_number_is_nowhere_but_in_the_files_of_the_tills(form: str, ended: Ended) -> None:
    found = [name for name, content in kept(ended.place) if form.encode() in content]

    assert found == []
    assert form not in ended.printed
    assert form.encode() not in ended.log.read_bytes()
    assert any(MASKED in content for _, content in kept(ended.place)), "nothing was kept: this proves nothing"
    assert MASKED in ended.log.read_bytes()


@pytest.mark.parametrize("form", [SECRET, base64.b64encode(SECRET.encode()).decode()], ids=["plain", "base64"])
def test_a_secret_is_nowhere_but_in_the_header_it_is_for(form: str, ended: Ended) -> None:
    found = [name for name, content in kept(ended.place) if form.encode() in content]

    assert found == []
    assert form not in ended.printed
    assert "status 422: refused" in ended.printed, "the answer that repeats it was not kept: this proves nothing"
