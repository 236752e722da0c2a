"""A folder of files: what is read, what is refused, how files know each other."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.config.layout import beside, is_ignored, place_of
from engine.config.project import read_project, read_project_from
from engine.config.scan import DEEPEST
from tests.config.snippets import file_for

ENV = {"ERP_URL": "https://erp.example", "ERP_ES_URL": "https://erp-es.example"}
ROUTE = file_for("")[1]


def write(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return root


def codes(findings: list[Any]) -> list[tuple[str, str]]:
    return [(f.code, f.mark.file) for f in findings]


@pytest.mark.parametrize(
    ("path", "kind", "name", "region"),
    [
        ("routes/sales.yaml", "route", "sales", ""),
        ("routes/sales.test.yaml", "tests", "sales", ""),
        ("routes/connections.yaml", "connections", "connections", ""),
        ("routes/cases/a/b.json", "case", "a/b.json", ""),
        ("routes/regions/es/pack.yaml", "pack", "es", "es"),
        ("routes/regions/es/sales.overlay.yaml", "overlay", "sales", "es"),
        ("routes/regions/es/es-zero.yaml", "route", "es-zero", "es"),
        ("routes/regions/es/cases/x.xml", "case", "x.xml", "es"),
        ("mappings/a.yaml", "mapping", "a", ""),
        ("mappings/a.test.yaml", "tests", "a", ""),
        ("mappings/schemas/sale.completed@2.yaml", "schema", "sale.completed@2", ""),
        ("mappings/templates/mail.txt.j2", "template", "mail.txt.j2", ""),
        ("mappings/tables/stores.csv", "csv", "stores.csv", ""),
    ],
)
def test_the_path_says_what_a_file_is(path: str, kind: str, name: str, region: str) -> None:
    place = place_of(path)
    assert place is not None
    assert (place.kind, place.name, place.region) == (kind, name, region)


@pytest.mark.parametrize(
    "path",
    ["routes/README.md", "routes/.git/config", "routes/a.yaml~", "routes/.a.yaml.swp", "mappings/__pycache__/x.pyc"],
)
def test_notes_and_leftovers_are_passed_over(path: str) -> None:
    assert is_ignored(path)
    assert codes(read_project_from({path: b"x", "routes/sales.yaml": ROUTE.encode()}, {})[1]) == []


@pytest.mark.parametrize("path", ["routes/sales.yml", "routes/x/sales.yaml", "mappings/tables/a.txt2", "other/a.yaml"])
def test_a_file_nobody_reads_is_a_warning(path: str) -> None:
    _, findings = read_project_from({path: b"x", "routes/sales.yaml": ROUTE.encode()}, {})
    assert [(f.code, f.severity) for f in findings] == [("TF9003", "warning")]


def test_the_same_project_comes_from_disk_and_from_its_bytes(tmp_path: Path) -> None:
    write(tmp_path, {"routes/sales.yaml": ROUTE, "routes/cases/a.json": "{}", "mappings/templates/x.j2": "hi"})
    project, findings = read_project(tmp_path, {})
    again, more = read_project_from(project.files, {})
    assert findings == more == []
    assert set(project.files) == {"routes/sales.yaml", "routes/cases/a.json", "mappings/templates/x.j2"}
    assert again.digest == project.digest
    assert again.routes["sales"].model == project.routes["sales"].model
    assert (again.templates, list(again.cases)) == ({"x.j2": "hi"}, ["routes/cases/a.json"])


def test_the_digest_tells_every_change() -> None:
    one, _ = read_project_from({"routes/a.yaml": b"x", "routes/b.yaml": b"y"}, {})
    other, _ = read_project_from({"routes/a.yaml": b"xy", "routes/b.yaml": b""}, {})
    assert one.digest != other.digest


@pytest.mark.parametrize("made", [None, "routes-file", "empty"])
def test_a_folder_that_is_no_project_is_told(tmp_path: Path, made: str | None) -> None:
    root = tmp_path / "p"
    if made:
        root.mkdir()
    if made == "routes-file":
        (root / "routes").write_text("x")
    project, findings = read_project(root, {})
    assert [f.code for f in findings] == ["TF9001"]
    assert findings[0].help
    assert not project.files


def test_a_project_without_routes_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "routes").mkdir()
    (tmp_path / "mappings").mkdir()
    write(tmp_path, {"mappings/a.yaml": "tillflow: 1\nmapping: a\nfields: {x: y}\n"})
    _, findings = read_project(tmp_path, {})
    assert [(f.code, f.severity) for f in findings] == [("TF9009", "warning")]


def test_links_that_leave_the_project_are_refused(tmp_path: Path) -> None:
    """Attack row X40."""
    outside = write(tmp_path / "outside", {"secret.yaml": "a: 1\n", "folder/x.yaml": "a: 1\n"})
    root = write(tmp_path / "p", {"routes/sales.yaml": ROUTE})
    (root / "routes/evil.yaml").symlink_to(outside / "secret.yaml")
    (root / "routes/cases").symlink_to(outside / "folder", target_is_directory=True)
    (root / "mappings").symlink_to("../outside", target_is_directory=True)
    project, findings = read_project(root, {})
    assert sorted(codes(findings)) == [
        ("TF9004", "mappings"),
        ("TF9004", "routes/cases"),
        ("TF9004", "routes/evil.yaml"),
    ]
    assert list(project.files) == ["routes/sales.yaml"]


def test_links_inside_the_project_are_followed_and_loops_end(tmp_path: Path) -> None:
    root = write(tmp_path, {"routes/..data/sales.yaml": ROUTE})
    (root / "routes/sales.yaml").symlink_to("..data/sales.yaml")
    (root / "routes/cases").symlink_to(".", target_is_directory=True)
    project, findings = read_project(root, {})
    assert findings == []
    assert list(project.files) == ["routes/sales.yaml"]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    root = write(tmp_path, {"routes/sales.yaml": ROUTE})
    (root / "routes/gone.yaml").symlink_to("nothing.yaml")
    os.mkfifo(root / "routes/pipe.yaml")
    _, findings = read_project(root, {})
    assert codes(findings) == [("TF9005", "routes/gone.yaml"), ("TF9005", "routes/pipe.yaml")]


@pytest.mark.parametrize(
    ("base", "text", "path"),
    [
        ("routes/tables.yaml", "../mappings/tables/a.csv", "mappings/tables/a.csv"),
        ("routes/a.test.yaml", "cases/x.json", "routes/cases/x.json"),
        ("routes/a.yaml", "../../x", None),
        ("routes/a.yaml", "/etc/passwd", None),
        ("routes/a.yaml", "..\\..\\x", None),
        ("routes/a.yaml", "C:/x", None),
    ],
)
def test_paths_written_in_files_stay_inside(base: str, text: str, path: str | None) -> None:
    """Attack row X40."""
    assert beside(base, text) == path


def test_a_broken_file_hides_nothing_and_is_known_as_broken(read: Callable[..., Any]) -> None:
    project, findings = read(
        {"routes/a.yaml": "route: [\n", "routes/sales.yaml": ROUTE, "mappings/m.yaml": "mapping: m\n"}
    )
    assert {f.mark.file for f in findings} == {"routes/a.yaml", "mappings/m.yaml"}
    assert list(project.routes) == ["sales"]
    assert project.exists("route", "a") and project.exists("mapping", "m")
    assert not project.exists("mapping", "other")


def test_broken_connections_make_no_reference_wrong(read: Callable[..., Any]) -> None:
    project, _ = read({"routes/connections.yaml": "connections: [\n"})
    assert project.exists("connection", "anything")


def test_the_file_is_named_as_what_it_declares(read: Callable[..., Any]) -> None:
    _, findings = read({"routes/sale.yaml": ROUTE})
    assert [(f.code, f.suggestion) for f in findings] == [("TF9002", "sale")]


def test_a_file_at_the_wrong_place_is_sent_to_the_right_one(read: Callable[..., Any]) -> None:
    files = {"routes/sales.yaml": ROUTE, "routes/m.yaml": "tillflow: 1\nmapping: m\nfields: {a: b}\n"}
    _, findings = read(files)
    assert [(f.code, f.help) for f in findings] == [("TF9008", "move it to mappings/")]


def test_two_files_of_one_name_are_told_at_both_places(read: Callable[..., Any]) -> None:
    _, findings = read({"routes/regions/es/sales.yaml": ROUTE, "routes/sales.yaml": ROUTE})
    twice = [f for f in findings if f.code == "TF9006"]
    assert [(f.mark.file, f.also[0].file) for f in twice] == [("routes/regions/es/sales.yaml", "routes/sales.yaml")]


def test_what_a_region_brings_carries_its_name(read: Callable[..., Any]) -> None:
    _, findings = read({"routes/regions/es/sales.yaml": ROUTE})
    assert ("TF6007", "routes/regions/es/sales.yaml") in codes(findings)


def test_the_nearest_file_is_suggested(read: Callable[..., Any]) -> None:
    tables = "tillflow: 1\ntables:\n  stores: {csv: ../mappings/tables/store.csv, key: id}\n"
    _, findings = read({"routes/sales.yaml": ROUTE, "routes/tables.yaml": tables, "mappings/tables/stores.csv": "id\n"})
    assert [(f.code, f.suggestion) for f in findings] == [("TF9010", "../mappings/tables/stores.csv")]


def test_connections_take_environment_values_and_say_which_are_missing(read: Callable[..., Any]) -> None:
    text = 'tillflow: 1\nconnections:\n  erp: {connector: core.http, url: "${ERP_URL}"}\n'
    project, findings = read({"routes/sales.yaml": ROUTE, "routes/connections.yaml": text}, {"ERP_URL": "https://x"})
    assert findings == []
    assert project.connections.model.connections["erp"].options == {"url": "https://x"}
    _, findings = read({"routes/sales.yaml": ROUTE, "routes/connections.yaml": text})
    assert [(f.code, f.mark.line, f.mark.column) for f in findings] == [("TF1051", 3, 37)]


def test_documents_are_shared_between_readings_and_not_changed(read: Callable[..., Any]) -> None:
    files = {"routes/sales.yaml": ROUTE}
    first, _ = read(files)
    second, _ = read(files)
    assert first.routes["sales"].document is second.routes["sales"].document


def test_the_shared_examples_have_no_finding_of_form(shared: Path) -> None:
    """Files marked "later" have findings about words for later only; what is not there belongs to building it."""
    _, findings = read_project(shared / "examples", ENV)
    later = {
        path.relative_to(shared / "examples").as_posix()
        for path in (shared / "examples").rglob("*.yaml")
        if re.match(r"# Later", path.read_text(encoding="utf-8"))
    }
    assert len(later) == 3
    of_form = [f for f in findings if f.code != "TF9010"]
    assert {(f.code, f.mark.file) for f in of_form} == {("TF1107", path) for path in later}


UNREACHABLE = ("loop.yaml", "x" * 300, "nothing", "sales.yaml/x")  # ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR


@pytest.mark.parametrize("target", UNREACHABLE)
@pytest.mark.parametrize("place", ["routes/loop.yaml", "mappings/loop.yaml", "routes/cases/loop.yaml"])
def test_a_link_that_cannot_be_followed_is_a_file_that_cannot_be_read(tmp_path: Path, place: str, target: str) -> None:
    root = write(tmp_path, {"routes/sales.yaml": ROUTE, "routes/cases/a.json": "{}"})
    (root / place).parent.mkdir(exist_ok=True)
    (root / place).symlink_to(target)
    project, findings = read_project(root, {})
    assert codes(findings) == [("TF9005", place)]
    assert list(project.files) == ["routes/cases/a.json", "routes/sales.yaml"]


@pytest.mark.parametrize("target", ["mappings", "x" * 300, "nothing"])
def test_a_folder_behind_a_link_that_cannot_be_followed_is_told(tmp_path: Path, target: str) -> None:
    root = write(tmp_path, {"routes/sales.yaml": ROUTE})
    (root / "mappings").symlink_to(target)
    project, findings = read_project(root, {})
    assert codes(findings) == [("TF9005", "mappings")]
    assert list(project.files) == ["routes/sales.yaml"]


def test_routes_that_cannot_be_reached_or_are_no_folder_are_told(tmp_path: Path) -> None:
    loop, file, none = (write(tmp_path / name, {"mappings/x.md": ""}) for name in ("loop", "file", "none"))
    (loop / "routes").symlink_to("routes")
    (file / "routes").write_text("tillflow: 1\n", encoding="utf-8")
    found = [codes(read_project(root, {})[1]) for root in (loop, file, none)]
    assert found == [[("TF9005", "routes")], [("TF9001", "routes")], [("TF9001", "routes")]]


def test_folders_in_folders_without_end_are_told(tmp_path: Path) -> None:
    root = write(tmp_path, {"routes/sales.yaml": ROUTE})
    (root / "routes" / "/".join(["a"] * 200)).mkdir(parents=True)
    project, findings = read_project(root, {})
    assert codes(findings) == [("TF9005", "routes" + "/a" * DEEPEST)]
    assert list(project.files) == ["routes/sales.yaml"]
