"""A real folder under a running engine, in the ways that editors and tools write: the same stories on both transports."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from engine.config import snapshot
from engine.config.snapshot import Snapshots
from engine.ports.store.revisions import RevisionList
from engine.ports.transport import Address
from engine.runtime.engine import Engine
from engine.runtime.reload.wanted import Wanted
from tests.reload.test_stories import REFUND
from tests.reload.yard import Yard, on_both
from tests.runtime.lab import project

ALWAYS, NEVER = 1e6, -1.0  # seconds in which a file may be half written: whatever the machine's own time is


class Folder:
    """What a yard's engine reads from. `looks` counts those that brought something."""

    def __init__(self, yard: Yard, root: Path) -> None:
        self._yard = yard
        self.root = root
        self.route = root / "routes/posting.yaml"
        self.looks = 0
        for path, content in project(yard.files).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        (root / "mappings").mkdir(exist_ok=True)
        self._snapshots = Snapshots(root)
        assert self._snapshots.look() is not None
        yard.changed = self.changed  # type: ignore[method-assign]
        yard.wanted = self.wanted  # type: ignore[method-assign]

    async def changed(self) -> Wanted | None:
        """As the reader beside an engine looks."""
        seen = self._snapshots.look()
        if seen is None:
            return None
        self.looks += 1
        self._copy()
        return await self._yard.now()

    def wanted(self) -> Wanted:
        """The files as they are, compiled."""
        self._copy()
        return Wanted.of(self._yard.made.compiled(project(self._yard.files)))

    def _copy(self) -> None:
        found = (path for folder in ("routes", "mappings") for path in (self.root / folder).rglob("*.yaml"))
        self._yard.files = {str(path.relative_to(self.root)): path.read_text("utf-8") for path in found}

    def edited(self, old: str, new: str) -> str:
        """What the route is to be."""
        text = self.route.read_text("utf-8")
        assert old in text
        return text.replace(old, new)


@contextmanager
def folder(yard: Yard, young: float = NEVER) -> Iterator[Folder]:
    with TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot, "YOUNG", young)
        yield Folder(yard, Path(root))


async def revisions(yard: Yard) -> list[str]:
    return [one.state for one in await yard.made.store.apply(RevisionList())]


async def runs(yard: Yard, engine: Engine) -> None:
    """What stands in the folder is taken as one change, and sales are posted by it."""
    await yard.saved(engine)
    await yard.sells("1")
    assert await revisions(yard) == ["active", "past"]


@on_both
async def test_an_atomic_replace_is_taken(yard: Yard) -> None:
    with folder(yard) as made:
        async with yard.running() as engine:
            beside = made.route.with_suffix(".tmp")
            beside.write_text(made.edited("A route of a test", "Another summary"), "utf-8")
            beside.replace(made.route)
            await runs(yard, engine)


@on_both
async def test_an_editor_that_renames_the_old_file_is_followed(yard: Yard) -> None:
    with folder(yard) as made:
        async with yard.running() as engine:
            text = made.edited("A route of a test", "Another summary")
            made.route.rename(made.route.with_suffix(".yaml~"))
            made.route.write_text(text, "utf-8")
            await runs(yard, engine)


@on_both
async def test_a_file_and_its_route_get_another_name(yard: Yard) -> None:
    yard.replace("routes/posting.yaml", "id: erp", "id: erp, effect: sales/erp")
    with folder(yard) as made:
        async with yard.running() as engine:
            text = made.edited("route: posting", "route: booking")
            made.route.write_text(text, "utf-8")
            made.route.rename(made.route.with_name("booking.yaml"))
            await runs(yard, engine)
            assert set(engine.plans.routeset.plans) == {"ingest", "booking"}


@on_both
async def test_a_swapped_link_is_followed(yard: Yard) -> None:
    """How a ConfigMap is mounted: the folder is a link into one that is a link itself."""
    with folder(yard) as made:
        root = made.root
        (root / "releases").mkdir()
        (root / "routes").rename(root / "releases/one")
        (root / "current").symlink_to("releases/one")
        (root / "routes").symlink_to("current")
        async with yard.running() as engine:
            shutil.copytree(root / "releases/one", root / "releases/two")
            text = made.edited("A route of a test", "Another summary")
            (root / "releases/two/posting.yaml").write_text(text, "utf-8")
            (root / "next").symlink_to("releases/two")
            (root / "next").replace(root / "current")
            await runs(yard, engine)


@on_both
async def test_a_half_written_file_is_waited_for(yard: Yard) -> None:
    with folder(yard) as made:
        async with yard.running() as engine:
            before, text = engine.plans.revision, made.edited("A route of a test", "Another summary")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(snapshot, "YOUNG", ALWAYS)
                patch.setattr(snapshot, "LONGEST", ALWAYS)
                made.route.write_text(text[: len(text) // 2], "utf-8")
                await yard.clock.sleep(1.0)
                assert (engine.plans.revision, engine.reload.last_error, made.looks) == (before, None, 0)
                made.route.write_text(text, "utf-8")
            await runs(yard, engine)
            assert engine.reload.last_error is None and made.looks == 1


@on_both
async def test_many_files_at_once_are_one_change(yard: Yard) -> None:
    with folder(yard) as made:
        async with yard.running() as engine:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(snapshot, "YOUNG", ALWAYS)
                patch.setattr(snapshot, "LONGEST", ALWAYS)
                for number in range(10):
                    text = REFUND.replace("route: refund", f"route: refund-{number}")
                    (made.root / f"routes/refund-{number}.yaml").write_text(text, "utf-8")
                    await yard.clock.sleep(0.1)
                made.route.write_text(made.edited("A route of a test", "Another summary"), "utf-8")
            await runs(yard, engine)
            assert made.looks == 1
            assert Address("route", "refund-9") in await yard.made.transport.depths()
