"""What an attacker may put into files and questions: refused with a reason or passed through as data, nobody is harmed.

Attacks on single parts stand beside those parts (tests/expr, tests/config, tests/connectors, tests/backends); this is
what a whole engine makes of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.proof import projects, till
from tests.proof.conftest import Outside
from tests.proof.place import Place

NOTES = {
    "template": "{{ ''.__class__.__mro__ }} {% for x in range(10**10) %}{% endfor %}",
    "substitution": "${secret.shop_token} ${HOME} $${X}",
    "terminal": "\x1b[2J\x1b]0;owned\x07 red",
    "log line": 'end\n{"time": "2026-01-01T00:00:00Z", "text": "running"}\r\nX-Evil: 1',
    "sql": "'; drop table item; delete from ledger; --",
    "markup": "<script>alert(1)</script> [red]bold[/red] =cmd|' /C calc'!A0",
    "direction": "\u202egpj.exe \u0000 \u2028",
}
GOOD = {"store": "A", "date": "2026-03-14", "total": 1, "times": 2, "receipt": "B0001"}
LINE = json.dumps(GOOD).encode()
REFUSED = {
    "deep": b"[" * 100_000,
    "digits": LINE.replace(b"1,", b"9" * 5_000 + b",", 1),
    "not-a-number": LINE.replace(b'"total": 1', b'"total": NaN'),
    "twice": LINE.replace(b'"total": 1', b'"total": 1, "total": 2'),
    "surrogate": LINE.replace(b"B0001", b"\\ud800"),
    "utf-16": LINE.decode().encode("utf-16"),
    "no-object": b"[1]",
    "negative-zero-width": LINE.replace(b"B0001", b"\xff\xfe"),
}
QUESTIONS = [
    "' OR 1=1 --",
    "%",
    "*",
    "receipt=%' OR '1'='1",
    "\x1b[2J",
    "A" * 1_000,
    "'; drop table item; --",
    "../../etc",
]
TIMES = '{path: {const: /once}, body: {reference: receipt, total: total, note: note, mark: {template: "{% for one in range(times) %}x{% endfor %}"}}}'
SINK = f"  - {{id: out, use: core.http, connection: shop, action: post, with: {TIMES}, {projects.RETRY}}}\n"
MOST_MEMORY = 400 << 20  # bytes


@dataclass(frozen=True)
class Ended:
    """Where everything is, the open work items, what the outside got, what commands printed, and the most memory."""

    place: Place
    items: list[dict[str, Any]]
    got: dict[str, dict[str, Any]]
    printed: str
    memory: int


@pytest.fixture(scope="module")
def ended(outside: Outside, tmp_path_factory: Any) -> Iterator[Ended]:
    schema = projects.SALE.replace("  note:", "  times: {type: integer}\n  note:")
    files = projects.project(projects.posting(SINK), {"mappings/schemas/sale@1.yaml": schema})
    place = Place(tmp_path_factory.mktemp("hostile"), files, {"OUTSIDE": f"{outside.url}/hostile/none"})
    sales = [till.sale(n, times=2, note=note) for n, note in enumerate(NOTES.values())]
    place.drop("good.jsonl", till.written(sales))
    greedy = [till.sale(90, times=10**9, note="x"), till.sale(91, times=1, note="x")]
    shown = till.sale(92, times=10**9, note=NOTES["terminal"], receipt=f"Z{NOTES['terminal']}{NOTES['direction']}")
    place.drop("greedy.jsonl", till.written([*greedy, shown]))
    for name, content in REFUSED.items():
        place.drop(f"{name}.jsonl", content + b"\n" + json.dumps(till.sale(99, times=1, note="x")).encode())
    odd_files(place)
    life = place.start()
    assert place.quiet(life), place.told()
    printed = "".join(commands(place))
    memory = peak(life.pid)
    assert life.stop() == 0
    log = (outside.folder / "hostile").read_text("utf-8").splitlines()
    got = {one["body"]["reference"]: one["body"] for one in map(json.loads, log)}
    yield Ended(place, place.items(), got, printed, memory)


def odd_files(place: Place) -> None:
    """Names and kinds that are never opened."""
    (place.inbox / "link.jsonl").symlink_to("/etc/passwd")
    os.mkfifo(place.inbox / "pipe.jsonl")
    (place.inbox / "\x1b[2Jname\n.jsonl").write_bytes(LINE)


def commands(place: Place) -> Iterator[str]:
    """What is shown of it, also to those who ask oddly."""
    for item in place.items():
        yield place.cli("work", "show", item["id"])
    for words in (["work", "list"], ["status"], ["trace", "A0000"], ["trace", "A0002"], ["trace", "A0003"]):
        yield place.cli(*words)
    for question in QUESTIONS:
        yield place.cli("trace", question, code=1)


def peak(pid: int) -> int:
    """The most memory a process ever had, in bytes."""
    (line,) = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) << 10


def test_what_looks_like_code_is_data_and_leaves_as_it_came(ended: Ended) -> None:
    for number, note in enumerate(NOTES.values()):
        receipt = f"A{number:04d}"
        whole = {"reference": receipt, "total": f"{number}.25", "note": note, "mark": "xx"}
        assert ended.got[receipt] == whole


def test_one_that_would_fill_the_memory_is_a_work_item_and_its_neighbour_is_posted(ended: Ended) -> None:
    (item,) = [item for item in ended.items if item["search"].get("key.2") == "A0090"]

    assert item["level"] == "event" and "gives 0 to 10,000 numbers" in item["detail"]
    assert ended.got["A0091"]["mark"] == "x"
    assert ended.memory < MOST_MEMORY


@pytest.mark.parametrize("name", REFUSED)
def test_a_line_that_is_no_record_is_a_work_item_with_its_file_and_line(name: str, ended: Ended) -> None:
    (item,) = [item for item in ended.items if item["search"].get("file") == f"{name}.jsonl"]

    assert item["level"] == "record" and item["reason"] in ("bad-line", "bad-json", "schema-violation", "bad-encoding")
    assert item["detail"]
    assert "A0099" in ended.got, "its neighbour was not posted"


def test_links_pipes_and_names_are_never_opened_and_said(ended: Ended) -> None:
    reasons = [item["reason"] for item in ended.items if item["reason"] in ("not-a-file", "unsafe-file-name")]

    assert sorted(reasons) == ["not-a-file", "not-a-file", "unsafe-file-name"]
    assert b"root:" not in ended.place.database.read_bytes()


def test_the_log_is_one_object_a_line_and_nobody_forged_one(ended: Ended) -> None:
    lines = [json.loads(line) for line in ended.place.told().splitlines() if line.startswith("{")]

    assert [line["text"] for line in lines if line["text"] in ("starting", "running", "stopped")] == [
        "starting", "running", "stopped"
    ]  # fmt: skip
    assert "\x1b" not in ended.place.told()


def test_no_control_character_reaches_the_terminal(ended: Ended) -> None:
    odd = {char for char in ended.printed if ord(char) < 32 or char in "\x7f\u202e\u2028"} - {"\n"}

    assert odd == set()
    assert "owned" in ended.printed, "it was not shown at all: this proves nothing"
