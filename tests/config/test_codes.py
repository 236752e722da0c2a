"""Pages of the codes: the wrong example gives the code, the right one does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.config.yaml import read_text
from engine.core.codes import fields, overlays, project, references, yaml
from tests.config.snippets import findings_in

# Told where no file of ours shows it: by the operating system, by a plugin's Config, or by the engine's secrets.
NOT_A_FILE = {
    "TF1001",
    "TF1002",
    "TF1003",
    "TF1053",
    "TF1119",
    "TF1121",
    "TF1122",
    "TF1126",
    "TF1127",
    "TF1128",
    "TF1129",
}
# Told where files of a project meet: tests/broken shows them.
OF_A_PROJECT = {"TF6002", "TF6007", "TF6008", *(f"TF60{number}" for number in range(10, 29))}
BELOW_KEYS = [code for code in yaml.CODES if code.code < "TF1050" and code.code not in NOT_A_FILE]
WITH_KEYS = [
    code
    for code in (*yaml.CODES, *fields.CODES, *overlays.CODES)
    if code not in BELOW_KEYS and code.code not in NOT_A_FILE | OF_A_PROJECT
]


@pytest.mark.parametrize("page", BELOW_KEYS, ids=lambda page: page.code)
def test_examples_about_yaml(page: object) -> None:
    code, wrong, right = page.code, page.wrong, page.right  # type: ignore[attr-defined]
    if code == "TF1008":
        from engine.config.yaml import read_bytes

        assert [f.code for f in read_bytes("f.yaml", wrong.encode())[1]] == [code]
    else:
        assert code in [f.code for f in read_text("f.yaml", wrong)[1]]
    assert read_text("f.yaml", right)[1] == []


@pytest.mark.parametrize("page", WITH_KEYS, ids=lambda page: page.code)
def test_examples_about_keys_and_values(page: object) -> None:
    assert page.code in [f.code for f in findings_in(page.wrong)]  # type: ignore[attr-defined]
    assert findings_in(page.right) == []  # type: ignore[attr-defined]


def test_every_code_the_loader_uses_has_a_page(project_root: Path) -> None:
    used = set()
    for path in (project_root / "engine/config").rglob("*.py"):
        used |= set(re.findall(r"TF\d{4}", path.read_text(encoding="utf-8")))
    pages = {code.code for module in (yaml, fields, overlays, project, references) for code in module.CODES}
    assert used <= pages


def test_pages_say_why_and_give_two_different_examples() -> None:
    for page in (*yaml.CODES, *fields.CODES, *overlays.CODES, *project.CODES):
        assert page.title and page.why.rstrip().endswith(".")
        assert page.wrong.strip() and page.right.strip() and page.wrong != page.right
