"""Every case under cases/: a step or a row of steps, an input, and what must come of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.jsonx import encode, normal
from engine.core.outcome import Filtered
from engine.plugins.frame import Frame, Split
from engine.plugins.sequence import StepFailed
from tests.steps.support import World, codes_of, frame_of, read_cases, run_steps, sequence_of

CASES = Path(__file__).parent / "cases"


def _cases(kind: str) -> Iterator[Any]:
    for file in sorted(CASES.glob("*.yaml")):
        document = read_cases(file)
        for case in document[kind]:
            world = {**document.get("world", {}), **case.get("world", {})}
            yield pytest.param({**case, "world": world}, id=f"{file.stem}: {case['name']}")


@pytest.mark.parametrize("case", list(_cases("cases")))
def test_step(case: dict[str, Any]) -> None:
    # given
    steps = case["steps"] if "steps" in case else [{"id": "it", **case["step"]}]
    world = World(**case["world"])
    sequence = sequence_of(*steps, world=world)
    data = copy.deepcopy(case["input"])
    frame = frame_of(data, world, schema=case.get("start", ""))
    # when
    if "fails" in case:
        with pytest.raises(StepFailed) as caught:
            run_steps(sequence, frame)
        # then
        _check_failure(caught.value, case["fails"])
        if len(steps) == 1 and "choose" not in steps[0] and "try" not in steps[0]:
            assert frame.data == case["input"], "a failed step leaves the data as it was"
    else:
        _check_result(frame, run_steps(sequence, frame), case)
    assert data == case["input"], "no step changes its input in place"
    if "schema" in case and "frames" not in case:
        assert frame.schema == case["schema"]


def _check_failure(failed: StepFailed, expected: dict[str, Any]) -> None:
    failure = failed.failure
    assert failure.kind == "permanent"
    if "reason" in expected:
        assert failure.reason == expected["reason"], failure
    assert failure.reason != expected.get("not")
    assert expected.get("detail", "") in failure.detail
    assert failed.step == expected.get("step", failed.step)
    assert failure.data.get("owner") == expected.get("owner")
    if "pointers" in expected:
        assert sorted(v["pointer"] for v in failure.data["violations"]) == sorted(expected["pointers"])
    if "without" in expected:
        assert expected["without"] not in str(failure) + str(failure.data)


def _check_result(frame: Frame, result: Any, case: dict[str, Any]) -> None:
    if "filtered" in case:
        assert isinstance(result, Filtered), result
        assert result.reason == case["filtered"]
        assert result.step, "it says where"
    elif "frames" in case:
        assert isinstance(result, Split), result
        assert {f.output_key: f.data for f in result.frames} == case["frames"]
        assert all(f.schema == case["schema"] for f in result.frames if "schema" in case)
    else:
        assert result is None
        assert frame.data == case["expected"]
        assert encode(normal(frame.data)) == encode(normal(case["expected"])), "types are as expected too"


@pytest.mark.parametrize("case", list(_cases("findings")))
def test_finding(case: dict[str, Any]) -> None:
    step = {"id": "it", **case["step"]}
    assert codes_of(step, World(**case["world"])) == case["codes"]
