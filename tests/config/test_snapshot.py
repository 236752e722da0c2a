"""Noticing that files changed: whatever way an editor or a tool writes them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.config.scan import scan
from engine.config.snapshot import Snapshots

ROUTE = "routes/sales.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "routes").mkdir(parents=True)
    (folder / "mappings").mkdir()
    (folder / ROUTE).write_text("route: sales\n")
    (folder / "mappings/to-erp.yaml").write_text("mapping: to-erp\n")
    return folder


def past(path: Path, seconds: float = 60.0) -> None:
    """As if it was written a while ago, as far as its time can be set."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def seen(snapshots: Snapshots) -> dict[str, bytes]:
    """The files once nothing is waited for any more."""
    while (found := snapshots.look()) is None:
        assert snapshots.waiting, "nothing changed"
        time.sleep(0.01)
    return dict(found[0])


def in_place(root: Path) -> None:
    (root / ROUTE).write_text("route: solds\n")  # as long as before


def atomic(root: Path) -> None:
    (root / "routes/.sales.tmp").write_text("route: other\n")
    (root / "routes/.sales.tmp").replace(root / ROUTE)


def older(root: Path) -> None:
    """A file from elsewhere with its old time, as `mv` and `cp -p` bring it."""
    other = root / "other"
    other.write_text("route: older\n")
    past(other, 1e6)
    other.replace(root / ROUTE)


def created(root: Path) -> None:
    (root / "routes/new.yaml").write_text("route: new\n")


def deleted(root: Path) -> None:
    (root / ROUTE).unlink()


def renamed(root: Path) -> None:
    (root / ROUTE).rename(root / "routes/sold.yaml")


def region(root: Path) -> None:
    (root / "routes/regions/de").mkdir(parents=True)
    (root / "routes/regions/de/pack.yaml").write_text("pack: de\n")


@pytest.mark.parametrize("change", [in_place, atomic, older, created, deleted, renamed, region])
def test_a_change_is_seen_once(root: Path, change: Callable[[Path], None]) -> None:
    snapshots = Snapshots(root)
    before = seen(snapshots)
    assert snapshots.look() is None
    change(root)
    after = seen(snapshots)
    assert after != before
    assert after == seen(Snapshots(root))
    assert snapshots.look() is None and not snapshots.waiting


def test_a_swapped_link_is_seen(root: Path) -> None:
    """How a ConfigMap is mounted: files are links into a folder that is itself a link."""
    for name in ("one", "two"):
        (root / f"{name}/routes").mkdir(parents=True)
        (root / f"{name}/routes/sales.yaml").write_text(f"route: {name}\n")
    shutil.rmtree(root / "routes")
    (root / "data").symlink_to("one")
    (root / "routes").symlink_to("data/routes")
    snapshots = Snapshots(root)
    assert seen(snapshots)[ROUTE] == b"route: one\n"
    (root / "new").symlink_to("two")
    (root / "new").replace(root / "data")
    assert seen(snapshots)[ROUTE] == b"route: two\n"


def test_it_says_whether_a_file_is_reached_by_a_link(root: Path) -> None:
    snapshots = Snapshots(root)
    seen(snapshots)
    assert not snapshots.linked
    (root / ROUTE).rename(root / "elsewhere.yaml")
    (root / ROUTE).symlink_to("../elsewhere.yaml")
    (root / "elsewhere.yaml").write_text("route: one\n")
    seen(snapshots)
    assert snapshots.linked


def test_a_file_that_changed_a_moment_ago_is_waited_for(root: Path) -> None:
    snapshots = Snapshots(root)
    seen(snapshots)
    (root / ROUTE).write_text("route: sal")
    assert snapshots.look() is None and snapshots.waiting
    (root / ROUTE).write_text("route: sales\nowner: stores\n")
    assert snapshots.look() is None
    assert seen(snapshots)[ROUTE] == b"route: sales\nowner: stores\n"


def test_one_that_changes_all_the_time_is_not_waited_for_for_ever(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots = Snapshots(root)
    seen(snapshots)
    (root / ROUTE).write_text("route: 1\n")
    assert snapshots.look() is None
    later = time.monotonic() + 3.0
    monkeypatch.setattr(time, "monotonic", lambda: later)
    (root / ROUTE).write_text("route: 2\n")
    found = snapshots.look()
    assert found is not None and found[0][ROUTE] == b"route: 2\n"


def test_many_files_at_once_are_one_snapshot(root: Path) -> None:
    snapshots = Snapshots(root)
    seen(snapshots)
    for number in range(50):
        (root / f"routes/r{number}.yaml").write_text("route: x\n")
        assert snapshots.look() is None
    assert len(seen(snapshots)) == 52


def test_a_change_that_is_taken_back_at_once_is_none(root: Path) -> None:
    snapshots = Snapshots(root)
    seen(snapshots)
    (root / ROUTE).write_text("route: other\n")
    assert snapshots.look() is None
    (root / ROUTE).write_text("route: sales\n")
    time.sleep(0.15)
    assert snapshots.look() is None and not snapshots.waiting


def test_a_file_that_did_not_change_is_not_read_again(root: Path) -> None:
    snapshots = Snapshots(root)
    first = seen(snapshots)
    later = os.stat(root / "mappings/to-erp.yaml").st_ctime_ns + 10 * 10**9
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: later)
        (root / ROUTE).write_text("route: another\n")
        found = snapshots.look()
    assert found is not None
    assert found[0]["mappings/to-erp.yaml"] is first["mappings/to-erp.yaml"]


def test_the_folder_beside_counts_too(root: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "pepper").write_text("old")
    snapshots = Snapshots(root, secrets)
    before = seen(snapshots)
    assert snapshots.look() is None
    (secrets / "pepper").write_text("new")
    assert seen(snapshots) == before


def test_a_link_that_cannot_be_followed_is_a_finding_of_a_look(root: Path) -> None:
    snapshots = Snapshots(root)
    first = seen(snapshots)
    (root / "routes/loop.yaml").symlink_to("loop.yaml")
    assert seen(snapshots) == first
    assert [(one.code, one.mark.file) for one in scan(root)[1]] == [("TF9005", "routes/loop.yaml")]


def test_a_link_beside_the_project_that_cannot_be_followed_stops_no_look(root: Path, tmp_path: Path) -> None:
    beside = tmp_path / "secrets"
    beside.mkdir()
    (beside / "loop").symlink_to("loop")
    snapshots = Snapshots(root, beside)
    seen(snapshots)
    (beside / "token").write_text("x", encoding="utf-8")
    assert seen(snapshots)  # it tells of the other file
