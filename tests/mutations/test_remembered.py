"""What is remembered of a compilation never hides anything: findings and Plans are those of one from nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from engine.compile.plan import RouteSet
from engine.compile.reuse import Memory
from engine.config.project import read_project_from
from engine.core.findings import Finding
from tests.compile.support import ENVIRONMENT, compiled, copied, fixture_files
from tests.mutations.test_any_damage import damaged
from tests.mutations.test_mutations import shipped_files
from tests.mutations.typos import mutations

SEED = 11
Files = dict[str, bytes]
Edits = Callable[[Files, int], Iterator[Files]]


def typos(files: Files, count: int) -> Iterator[Files]:
    project, _ = read_project_from(files, ENVIRONMENT)
    for mutation in mutations(project, count, SEED):
        yield {**files, mutation.word.mark.file: mutation.content}


def damages(files: Files, count: int) -> Iterator[Files]:
    chance = random.Random(SEED)
    paths = sorted(path for path in files if path.endswith(".yaml"))
    for path in chance.sample(paths, min(count, len(paths))):
        text = yaml.safe_dump(damaged(yaml.safe_load(files[path]), chance), allow_unicode=True, sort_keys=False)
        yield {**files, path: text.encode()}


def removals(files: Files, count: int) -> Iterator[Files]:
    for path in random.Random(SEED).sample(sorted(files), min(count, len(files))):
        yield {other: content for other, content in files.items() if other != path}


def said(found: tuple[RouteSet, list[Finding]]) -> tuple[str, dict[str, str], dict[str, str], list[Finding]]:
    routes, findings = found
    plans = {name: plan.digest for name, plan in routes.plans.items()}
    return routes.digest, plans, {name: one.digest for name, one in routes.mappings.items()}, findings


@pytest.mark.parametrize("edits", [typos, damages, removals])
@pytest.mark.parametrize("shipped", [False, True])
def test_an_edit_is_told_as_if_all_were_compiled(edits: Edits, shipped: bool, project_root: Path) -> None:
    files = shipped_files(project_root) if shipped else dict(fixture_files())
    right, following = Memory(), Memory()
    compiled(files, memory=right)
    for edit in edits(files, 20):
        wanted = said(compiled(edit))
        assert said(compiled(edit, memory=copied(right))) == wanted
        assert said(compiled(edit, memory=following)) == wanted  # after another wrong edit
        assert said(compiled(edit, memory=following)) == wanted  # and once more without any
