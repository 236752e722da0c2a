"""engine.sdk: the only door for plugins."""

from __future__ import annotations

from engine import sdk


def test_all_names_exist_once() -> None:
    assert len(sdk.__all__) == len(set(sdk.__all__))
    assert [name for name in sdk.__all__ if not hasattr(sdk, name)] == []


def test_nothing_public_is_left_out() -> None:
    public = {name for name in vars(sdk) if not name.startswith("_")} - {"annotations"}
    assert public == set(sdk.__all__)
