"""Whatever stands in a file, reading and compiling it ends with findings, never with an exception."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
import yaml

from tests.compile.support import edited_and_compiled, fixture_files

SEED = 7
VALUES: tuple[Any, ...] = (
    None, 5, -1, 1.5, True, "", "x", "a.b", "$", "{{", [], {}, [1], {"a": 1}, [[]], [{"id": "x"}],
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*path, key))
    return found


def damaged(data: Any, chance: random.Random) -> Any:
    """A copy with one node taken out, moved, or replaced by something else."""
    data = copy.deepcopy(data)
    path = chance.choice(places(data))
    holder = data
    for part in path[:-1]:
        holder = holder[part]
    way = chance.choice(("remove", "replace", "replace", "duplicate"))
    if way == "remove":
        del holder[path[-1]]
    elif way == "replace" or not isinstance(holder, list):
        holder[path[-1]] = chance.choice(VALUES)
    else:
        holder.append(copy.deepcopy(holder[path[-1]]))
    return data


@pytest.mark.parametrize("path", sorted(path for path in fixture_files() if path.endswith(".yaml")))
def test_a_damaged_file_gives_findings(path: str) -> None:
    chance = random.Random(f"{SEED}{path}")
    data = yaml.safe_load(fixture_files()[path])
    for _ in range(15):
        text = yaml.safe_dump(damaged(data, chance), allow_unicode=True, sort_keys=False)
        _, findings = edited_and_compiled({**fixture_files(), path: text})
        assert all(finding.message and finding.mark.line >= 1 for finding in findings)
