"""packs: the list, and the page of one with what its files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Tillflow
from tests.regions.site import SITE

PAGE = "# Spain\n\nIts rule, and what is covered.\n"
LEGAL = "mode: verify\nlegal: [{ref: a law of Spain, review_by: 2027-06-01}, {ref: another law}]\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The site of the regions with its routes' connector left out: packs are read, nothing is compiled."""
    pack = SITE["routes/regions/es/pack.yaml"] + LEGAL
    overlay = SITE["routes/regions/es/posting.overlay.yaml"] + "review_by: 2027-03-01\n"
    own = SITE["routes/plain.yaml"].replace("route: plain", "route: es-daily")
    files = {
        "routes/regions/es/pack.yaml": pack,
        "routes/regions/es/posting.overlay.yaml": overlay,
        "routes/regions/es/es-daily.yaml": own,
        "routes/regions/es/README.md": PAGE,
    }
    for path, text in (SITE | files).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    return tmp_path


def test_the_list_says_for_whom_how_and_until_when(tillflow: Tillflow, shop: Path) -> None:
    said = tillflow("packs", "list", "-p", shop)

    head, *rows = [line.split() for line in said.out.splitlines()]
    assert head == ["pack", "for", "mode", "residency", "review", "by", "summary"]
    assert rows == [
        ["de", "DE", "-", "eu", "-"],
        ["es", "ES", "verify", "eu", "2027-03-01"],
        ["city", "city", "-", "-", "-"],
    ]


def test_the_list_as_json_has_rules_overlays_and_routes(tillflow: Tillflow, shop: Path) -> None:
    found = {one["pack"]: one for one in tillflow("packs", "list", "-p", shop, "--format", "json").json["packs"]}

    spain = found["es"]
    assert (spain["layer"], spain["for"], spain["owner"]) == ("country", {"country": "ES"}, "compliance")
    assert (spain["mode"], spain["residency"], spain["review_by"]) == ("verify", "eu", "2027-03-01")
    assert spain["legal"] == [
        {"ref": "a law of Spain", "review_by": "2027-06-01"},
        {"ref": "another law", "review_by": ""},
    ]
    assert spain["routes"] == ["es-daily"] and spain["file"] == "routes/regions/es/pack.yaml"
    (overlay,) = spain["overlays"]
    assert (overlay["overlay"], overlay["base"], overlay["since"]) == ("es-posting", "posting@^1", "2027-01-01")
    assert found["city"]["overlays"] == [] and found["city"]["for"] == {"brand": "city"}


def test_a_pack_is_shown_by_its_page_and_what_its_files_say(tillflow: Tillflow, shop: Path) -> None:
    said = tillflow("packs", "show", "es", "-p", shop)

    assert said.out.startswith(PAGE) and said.err == ""
    rest = said.out.partition("## What its files say")[2].splitlines()
    assert "- for: country ES" in rest and "- routes of its own: es-daily" in rest
    assert "- `es-posting` over posting@^1, from 2027-01-01" in rest
    assert "- rule: a law of Spain (review by 2027-06-01)" in rest and "- rule: another law" in rest
    assert tillflow("packs", "show", "es", "-p", shop, "--format", "json").json["page"] == PAGE


def test_a_pack_without_a_page_says_where_it_belongs(tillflow: Tillflow, shop: Path) -> None:
    said = tillflow("packs", "show", "de", "-p", shop)

    assert said.code == 0 and said.out.startswith("## What its files say")
    assert "routes/regions/de/README.md" in said.err
    assert tillflow("packs", "show", "de", "-p", shop, "--format", "json").json["page"] == ""


def test_what_a_page_holds_does_not_command_the_terminal(tillflow: Tillflow, shop: Path) -> None:
    (shop / "routes/regions/es/README.md").write_text("# Spain \x1b[31mred\n", "utf-8")

    assert "\x1b" not in tillflow("packs", "show", "es", "-p", shop).out


@pytest.mark.parametrize(("code", "help"), [("ess", "did you mean `es`?"), ("zz-9", "tillflow packs list")])
def test_a_pack_that_is_not_there_is_wrong_use(tillflow: Tillflow, shop: Path, code: str, help: str) -> None:
    said = tillflow("packs", "show", code, "-p", shop)

    assert said.code == 2 and f"there is no pack '{code}'" in said.err and help in said.err


def test_a_project_without_packs_says_so(tillflow: Tillflow, project: Path) -> None:
    said = tillflow("packs", "list", "-p", project)

    assert (said.code, said.out) == (0, "") and "there is no pack" in said.err
    assert tillflow("packs", "list", "-p", project, "--format", "json").json == {"packs": []}


def test_a_pack_that_cannot_be_read_is_told(tillflow: Tillflow, shop: Path) -> None:
    (shop / "routes/regions/de/pack.yaml").write_text("tillflow: 1\npack: de\nlayer: contry\n", "utf-8")

    said = tillflow("packs", "list", "-p", shop)
    assert said.code == 1 and "contry" in said.err + said.out


def test_the_packs_that_ship_have_a_page_each(tillflow: Tillflow, project_root: Path) -> None:
    found = tillflow("packs", "list", "-p", project_root, "--format", "json").json["packs"]

    assert len(found) == 8
    for one in found:
        assert one["review_by"] and tillflow("packs", "show", one["pack"], "-p", project_root).out.startswith("# ")
