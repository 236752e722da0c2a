"""A single typing mistake anywhere in a project is found at its line, and nearly always with the right word."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.compile.reuse import Memory
from engine.config.project import read_project_from
from engine.core.findings import Finding
from tests.compile.support import ENVIRONMENT, compiled, copied, fixture_files
from tests.mutations.typos import Mutation, mutations, words

SEED = 20260314
COUNT = 500


def shipped_files(root: Path) -> dict[str, bytes]:
    found = (path for folder in ("routes", "mappings") for path in sorted((root / folder).rglob("*")))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found if path.is_file()}


def told(files: Mapping[str, bytes], mutation: Mutation, memory: Memory) -> list[Finding]:
    """Findings at the line of the mistake, as an engine finds them that has compiled the right files before."""
    place = mutation.word.mark
    found = compiled({**files, place.file: mutation.content}, memory=copied(memory))[1]
    return [finding for finding in found if (finding.mark.file, finding.mark.line) == (place.file, place.line)]


def check(files: Mapping[str, bytes], count: int) -> None:
    project, _ = read_project_from(files, ENVIRONMENT)
    memory = Memory()
    assert [f for f in compiled(files, memory=memory)[1] if f.severity == "error"] == []
    missed: list[str] = []
    right = 0
    for mutation in mutations(project, count, SEED):
        found = told(files, mutation, memory)
        word, place = mutation.word, mutation.word.mark
        if not found:
            missed.append(f"{place.file}:{place.line}: {word.kind} {word.text} -> {mutation.typo}")
        right += any(finding.suggestion and word.text in finding.suggestion for finding in found)
    assert missed == []
    assert right >= count * 0.95, f"the right word is suggested for {right} of {count}"


def test_every_mistake_in_the_shipped_files_is_found(project_root: Path) -> None:
    check(shipped_files(project_root), COUNT)


def test_every_mistake_in_the_examples_is_found() -> None:
    check(fixture_files(), 150)


def test_the_words_of_a_project_are_of_every_kind() -> None:
    project, _ = read_project_from(fixture_files(), ENVIRONMENT)
    found = words(project)
    assert {word.kind for word in found} == {"key", "reference", "path", "function", "name"}
    assert len(found) > 1000


@pytest.mark.parametrize("seed", [1, 2])
def test_mutations_are_the_same_for_a_seed(seed: int) -> None:
    project, _ = read_project_from(fixture_files(), ENVIRONMENT)
    assert mutations(project, 50, seed) == mutations(project, 50, seed)
