"""`tillflow render`: each value with the place it came from, and what differs from the base."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.core.jsonx import decode
from tests.regions.site import CITY, SITE


@pytest.fixture
def render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    for path, text in (SITE | CITY).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tillflow", "render", "posting", "--project", str(tmp_path), *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    return run


SPAIN = ("--country", "ES", "--on", "2027-06-01")


def test_each_value_has_its_place(render: Callable[..., Any]) -> None:
    code, told, _ = render(*SPAIN, "--origins")
    assert code == 0
    lines = told.splitlines()
    assert (
        "params.most.default: 200   # routes/regions/es/posting.overlay.yaml:6, was 100 at routes/posting.yaml:12"
        in lines
    )
    assert (
        "to.erp.connection: outside-es   # routes/regions/es/posting.overlay.yaml:7, was outside at routes/posting.yaml:21"
        in lines
    )
    assert "steps.fiscal.steps.taxed.enrich.table: stores   # routes/regions/es/posting.overlay.yaml:10" in lines
    assert "steps.marked.set.extensions.local.mark.const: es   # routes/regions/es/posting.overlay.yaml:16" in lines
    assert "steps.card-data.mask.pan: everywhere   # routes/posting.yaml:19" in lines
    assert "notes: disabled: consent wording not approved   # routes/regions/es/posting.overlay.yaml:18" in lines
    assert any(line.startswith("mapping sale-to-entry: fields.extra.fields.rate.expr: ") for line in lines)


def test_a_part_of_it(render: Callable[..., Any]) -> None:
    assert render(*SPAIN, "--path", "steps.bounded")[1].splitlines() == [
        "steps.bounded.id: bounded",
        "steps.bounded.check[0].that: total <= param('most')",
        "steps.bounded.check[0].otherwise.work_item: too-much",
    ]
    code, _, told = render(*SPAIN, "--path", "steps.bound")
    assert code == 2 and "steps.bound" in told


def test_what_differs_from_the_base(render: Callable[..., Any]) -> None:
    told = render(*SPAIN, "--diff")[1]
    assert "~ params.most.default: 100 -> 200   # routes/regions/es/posting.overlay.yaml:6" in told
    assert "- notes: disabled: consent wording not approved" in told
    assert "+ steps.marked.id: marked" in told
    assert "card-data" not in told
    assert render("--country", "ES", "--on", "2026-12-31", "--diff")[1].strip() == (
        "the base runs here: nothing is different"
    )


def test_several_layers(render: Callable[..., Any]) -> None:
    (value,) = decode(
        render(*SPAIN, "--brand", "city", "--path", "params.way.default", "--origins", "--format", "json")[1]
    )["values"]
    assert value["value"] == "summary"
    assert [one["origin"].partition(":")[0] for one in value["was"]] == [
        "routes/regions/es/posting.overlay.yaml",
        "routes/posting.yaml",
    ]


def test_a_country_nobody_knows(render: Callable[..., Any]) -> None:
    code, _, told = render("--country", "EX")
    assert code == 1 and "unknown-scope" in told and "ES" in told
