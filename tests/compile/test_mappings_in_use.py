"""A mapping that does not say what it reads: checked against what flows at each place where a route uses it."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from engine.core.findings import Finding
from tests.compile.support import compiled

MAPPING, POSTING = "mappings/till-to-sale.yaml", "mappings/sale-to-posting.yaml"
TILLS, POST = "routes/till-sales.yaml", "routes/post-sales.yaml"
ACCEPTS = "accepts: till.receipt@1\n"


def project(*edits: tuple[str, str, str], **more: str) -> list[Finding]:
    """Findings of the project that `init` lays down, whose mappings name no `input`, after these edits (file, old, new)."""
    content = _files(files("engine.cli") / "starter", "")
    for path in (MAPPING, POSTING):
        content[path] = "".join(line + "\n" for line in content[path].splitlines() if not line.startswith("input:"))
    for path, old, new in edits:
        assert old in content[path]
        content[path] = content[path].replace(old, new)
    content |= {name.replace("__", "/").replace("_", "-") + ".yaml": text for name, text in more.items()}
    return compiled(dict(content))[1]


def _files(folder: Traversable, path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found |= _files(entry, f"{path}{entry.name}/")
        elif path.startswith(("routes/", "mappings/")):
            found[path + entry.name] = entry.read_text(encoding="utf-8")
    return found


def places(findings: list[Finding]) -> list[tuple[str, int, str]]:
    return [(one.mark.file, one.mark.line, one.suggestion) for one in findings if one.severity == "error"]


def test_without_a_mistake_nothing_is_told() -> None:
    assert project() == []


def test_a_misspelt_cell_is_told_at_its_line_with_the_route_that_uses_the_mapping() -> None:
    (found,) = project((MAPPING, "row.amount", "row.amuont"))

    assert places([found]) == [(MAPPING, 16, "amount")]
    assert "used by the route `till-sales`" in found.message
    assert [(mark.file, mark.line) for mark in found.also] == [(TILLS, 16)]


def test_a_sink_that_maps_for_itself_is_such_a_place() -> None:
    (found,) = project((POSTING, "total: total", "total: totall"))

    assert places([found]) == [(POSTING, 9, "total")]
    assert "used by the route `post-sales`" in found.message


def test_a_mistake_of_the_mapping_alone_hides_none_that_its_use_brings() -> None:
    findings = project((POSTING, "total: total", "total: totall"), (POSTING, "product.account", "product.acount"))

    assert places(findings) == [(POSTING, 9, "total"), (POSTING, 13, "account")]
    assert "used by" not in findings[1].message


def test_several_routes_bring_one_finding() -> None:
    text = "tillflow: 1\nroute: {name}\nversion: 1.0.0\nsummary: A\nowner: a\nclass: system\ncriticality: operational\n"
    text += "from: {event: sale.completed@1}\nsteps:\n  - {id: made, map: sale-to-posting}\nto:\n  - {id: told, event: posted@1}\n"
    schema = "$id: posted@1\ntitle: Posted\nx-tillflow: {key: [receipt]}\ntype: object\nproperties: {receipt: {type: string}}\n"
    mapping = "tillflow: 1\nmapping: sale-to-posting\nsummary: A\nfields:\n  receipt: recipt\n"
    routes = {f"routes__{name}": text.replace("{name}", name) for name in ("a", "b", "c")}
    more = {**routes, "mappings__schemas__posted@1": schema, "mappings__sale_to_posting": mapping}

    findings = [one for one in project(**more) if one.code == "TF2020"]

    assert places(findings) == [("mappings/sale-to-posting.yaml", 5, "receipt")]
    assert "used by the routes `a`, `b`, `c` and 1 more" in findings[0].message


def test_what_makes_a_group_of_rows_is_known_without_a_schema() -> None:
    """The header of the file names the cells of its rows; which columns make the group stands in the route."""
    findings = project((TILLS, ACCEPTS, ""), (MAPPING, "receipt: receipt", "receipt: recipt"))

    assert places(findings) == [(MAPPING, 9, "receipt")]
    assert project((TILLS, ACCEPTS, ""), (MAPPING, "row.amount", "row.anything")) == []


def test_a_mapping_without_output_gives_the_names_it_writes() -> None:
    before = "tillflow: 1\nmapping: before\nsummary: A\nfields: {store: store, till: till, receipt: receipt, date: date, rows: rows}\n"
    twice = (TILLS, "  - {id: canonical", "  - {id: before, map: before}\n  - {id: canonical")

    assert project(twice, mappings__before=before) == []
    findings = project(twice, mappings__before=before.replace("till: till", "tll: till"))
    assert places(findings) == [(MAPPING, 8, "tll")]
