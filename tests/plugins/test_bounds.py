"""Bounds that a plugin author writes beside a duration or a size hold, like those of a plain number."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from engine.sdk import Duration, Options, Size


class Config(Options):
    every: Duration = Field(default=30.0, gt=0, le=3600)
    most: Size | None = Field(default=None, ge=1024)


def test_what_is_inside_is_taken() -> None:
    config = Config.model_validate({"every": "1h", "most": "1KiB"})
    assert (config.every, config.most) == (3600.0, 1024)
    assert Config().every == 30.0


@pytest.mark.parametrize("given", [{"every": "0s"}, {"every": "2h"}, {"most": "1B"}])
def test_what_is_outside_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"greater than|less than"):
        Config.model_validate(given)


def test_the_schema_for_editors_stays_a_text() -> None:
    assert Config.model_json_schema()["properties"]["every"]["type"] == "string"
