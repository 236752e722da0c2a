"""explain: codes, topics, plugins and functions all answer, as text and as JSON."""

from __future__ import annotations

import re

import pytest

from engine.cli.output import EXIT_CODES
from engine.discover import discover
from engine.expr.functions import FunctionTable
from tests.cli.conftest import Tillflow
from tests.compile.support import compiled, with_changes

TOPICS = (
    "auth",
    "connectors",
    "formats",
    "functions",
    "mappings",
    "metrics",
    "secrets",
    "steps",
    "exit-codes",
    "changes",
)


def test_a_code_is_explained_with_a_wrong_and_a_right_example(tillflow: Tillflow) -> None:
    said = tillflow("explain", "TF2020")

    assert said.code == 0
    assert "Wrong:" in said.out
    assert "Right:" in said.out


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_answers_and_stands_in_the_list(tillflow: Tillflow, topic: str) -> None:
    assert tillflow("explain", topic).out.startswith("# ")
    assert tillflow("explain", topic, "--format", "json").json["topic"] == topic
    assert f"explain {topic}\n" in tillflow("explain").out


@pytest.mark.parametrize("name", ["enrich", "core.files", "csv", "basic", "money_sum"])
def test_a_step_type_connector_format_scheme_or_function_is_explained(tillflow: Tillflow, name: str) -> None:
    assert name in tillflow("explain", name).out
    assert tillflow("explain", name, "--format", "json").json["components"]


def test_a_name_that_is_a_step_and_a_function_has_both_pages(tillflow: Tillflow) -> None:
    assert [c["kind"] for c in tillflow("explain", "map", "--format", "json").json["components"]] == [
        "step",
        "function",
    ]


def test_lists_are_whole(tillflow: Tillflow) -> None:
    functions = tillflow("explain", "functions").out

    assert all(f"`{function.usage}`" in functions for function in FunctionTable.builtin().values())
    assert all(f"`{name}`" in tillflow("explain", "steps").out for name in discover().steps)
    assert all(f"{int(code):>3}  " in tillflow("explain", "exit-codes").out for code in EXIT_CODES)


def test_what_is_not_there_gets_the_nearest(tillflow: Tillflow) -> None:
    said = tillflow("explain", "enrihc")

    assert (said.code, said.out) == (2, "")
    assert "did you mean `enrich`?" in said.err
    assert tillflow("explain", "nonsense").code == 2
    assert "did you mean" not in tillflow("explain", "nonsense").err


@pytest.mark.parametrize("command", [("explain",), ("connectors", "show")])
def test_a_word_that_is_near_is_shown_as_a_name(tillflow: Tillflow, command: tuple[str, ...]) -> None:
    """`none` is an auth scheme: `did you mean none?` would say that nothing is meant."""
    assert "did you mean `none`?" in tillflow(*command, "nope").err


def test_the_page_on_mappings_shows_a_mapping_that_can_be_read(tillflow: Tillflow) -> None:
    text = re.findall(r"```yaml\n(.*?)```", tillflow("explain", "mappings").out, re.DOTALL)[0]
    loose = "\n".join(line for line in text.splitlines() if not line.startswith(("input:", "output:"))) + "\n"

    _, findings = compiled(with_changes({"mappings/shown.yaml": loose.replace("sale-to-journal", "shown")}))

    assert [f.code for f in findings] == ["TF3023"], findings


def test_the_page_on_overlays_lists_what_a_changed_example_takes(tillflow: Tillflow) -> None:
    said = tillflow("explain", "overlays")

    for key in ("test", "because", "given", "sinks", "work_items", "filtered"):
        assert f"`expects_change[].{key}`" in said.out, key
    assert "`tillflow explain expect`" in said.out and "`expects_change[].given." not in said.out


@pytest.mark.parametrize("word", ["http", "SQL", "vat_rates"])
def test_a_connector_is_known_by_the_end_of_its_name(tillflow: Tillflow, word: str) -> None:
    assert f".{word.lower()}`?" in tillflow("explain", word).err
