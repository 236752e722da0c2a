"""core.files: complete files only, each content once, nothing outside the folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.core.files import FilesConnection, FilesSink, FilesSource
from connectors.core.files.config import FilesConfig, FilesSourceConfig
from engine.sdk import Arrival, Permanent, SinkItem, Transient, parse
from engine.testing.contracts import (
    MemorySourceContext,
    SinkContract,
    SinkSubject,
    SourceContract,
    SourceSubject,
    context,
)

pytestmark = pytest.mark.anyio


def config(folder: Path, **changes: Any) -> FilesConfig:
    folders = {"directory": str(folder / "in"), "archive": str(folder / "archive"), "failed": str(folder / "failed")}
    return FilesConfig(**(folders | changes))


@asynccontextmanager
async def opened(folder: Path, **changes: Any) -> AsyncIterator[FilesConnection]:
    connection = FilesConnection(config(folder, **changes))
    await connection.open()
    try:
        yield connection
    finally:
        await connection.close()


class Watching:
    """A source that is looked at in steps: each look lets the clock pass what `stable_for` asks."""

    def __init__(self, connection: FilesConnection, ctx: MemorySourceContext | None = None, **settings: Any) -> None:
        self.ctx = ctx or MemorySourceContext()
        self.source = FilesSource(FilesSourceConfig(**settings), connection, "route")

    async def look(self) -> list[Arrival]:
        """What is complete now."""
        found = []
        for entry in self.source._ready(self.ctx):
            arrival = await self.source._take(entry, self.ctx)
            if arrival is not None:
                found.append(arrival)
        await self.source._move_again(self.ctx)
        return found + await self.source._shelf.grown(self.ctx)

    async def settled(self, seconds: float = 5.0) -> list[Arrival]:
        """What is complete after nothing happened for so long."""
        early = await self.look()
        self.ctx.clock.advance(seconds)  # type: ignore[attr-defined]
        return early + await self.look()


class TestFilesSourceContract(SourceContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @asynccontextmanager
    async def subject(self) -> AsyncIterator[SourceSubject]:
        async with opened(self.folder) as connection:

            async def offer(number: int) -> None:
                (self.folder / "in" / f"{number}.xml").write_text(f"<a>{number}</a>")

            make = lambda: FilesSource(FilesSourceConfig(match="*.xml"), connection, "route")  # noqa: E731
            yield SourceSubject(make, offer, MemorySourceContext(), absorbs=True)


class TestWriteContract(SinkContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @asynccontextmanager
    async def subject(self) -> AsyncIterator[SinkSubject]:
        requests = [{"name": f"{n}.json", "content": {"n": n, "net": Decimal("10.10")}} for n in (1, 2)]

        async def effects() -> list[Any]:
            files = sorted((self.folder / "in").iterdir())
            return [{"name": file.name, "content": parse(file.read_bytes())} for file in files]

        async with opened(self.folder) as connection:
            refused = {"name": "../escape.json", "content": 1}
            yield SinkSubject(FilesSink(connection), "write", requests, effects, refused=refused)


class TestAppendContract(SinkContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @asynccontextmanager
    async def subject(self) -> AsyncIterator[SinkSubject]:
        requests = [{"name": "day.ndjson", "content": {"n": n, "net": Decimal("0.10")}} for n in (1, 2)]

        async def effects() -> list[Any]:
            file = self.folder / "in" / "day.ndjson"
            return [parse(line) for line in file.read_bytes().splitlines()] if file.exists() else []

        async with opened(self.folder) as connection:
            expected = [request["content"] for request in requests]
            yield SinkSubject(FilesSink(connection), "append", requests, effects, expected, refused={"name": ""})


async def test_a_file_is_read_only_when_it_has_been_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection, stable_for="2s")
        file = tmp_path / "in" / "a.csv"
        file.write_text("half")
        assert await watching.look() == []
        watching.ctx.clock.advance(1.5)  # type: ignore[attr-defined]
        file.write_text("half and more")
        assert await watching.look() == []
        watching.ctx.clock.advance(1.5)  # type: ignore[attr-defined]
        assert await watching.look() == []
        watching.ctx.clock.advance(1.0)  # type: ignore[attr-defined]
        (arrival,) = await watching.look()
        assert arrival.content == b"half and more"


async def test_a_done_marker_decides_and_goes_with_its_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection, done_marker=".done")
        (tmp_path / "in" / "a.csv").write_text("a")
        assert await watching.settled(3600) == []
        (tmp_path / "in" / "a.csv.done").touch()
        (arrival,) = await watching.look()
        await arrival.ack(0)
        assert list((tmp_path / "in").iterdir()) == []
        assert [path.name for path in (tmp_path / "archive").iterdir()] == ["a.csv"]


async def test_the_same_content_under_another_name_is_a_duplicate(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        for name in ("a.csv", "b.csv"):
            (tmp_path / "in" / name).write_text("same")
        (arrival,) = await watching.settled()
        await arrival.ack(0)
        assert await watching.settled() == []
        assert sorted(path.name for path in (tmp_path / "archive").iterdir()) == ["a.csv", "b.csv.duplicate"]
        assert (
            "a file was taken in before",
            {"file": "b.csv", "first": "a.csv", "moved": "b.csv.duplicate"},
        ) in watching.ctx.logged
        assert watching.ctx.journaled == [
            ("b.csv", "duplicate", "its content was taken in before, as a.csv"),
            ("b.csv", "archived", "as b.csv.duplicate"),
        ]


async def test_a_settled_file_says_where_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        for content, where in (("one", "as a.csv"), ("two", "as a.csv.2")):
            (tmp_path / "in" / "a.csv").write_text(content)
            (arrival,) = await watching.settled()
            assert await arrival.ack(0) == where


async def test_a_second_copy_that_stays_is_journaled_once_however_often_the_source_begins(tmp_path: Path) -> None:
    async with opened(tmp_path, archive="", failed="") as connection:
        for name in ("a.csv", "b.csv"):
            (tmp_path / "in" / name).write_text("same")
        context = MemorySourceContext()
        watching = Watching(connection, context)
        (arrival,) = await watching.settled()
        assert await arrival.ack(0) is None
        for again in (watching, Watching(connection, context), Watching(connection, context)):
            assert await again.settled() == []
        assert context.journaled == [("b.csv", "duplicate", "its content was taken in before, as a.csv")]


async def test_a_file_with_work_items_goes_to_failed_and_names_never_collide(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        for content in ("one", "two"):
            (tmp_path / "in" / "a.csv").write_text(content)
            (arrival,) = await watching.settled()
            await arrival.ack(1)
        assert sorted(path.name for path in (tmp_path / "failed").iterdir()) == ["a.csv", "a.csv.2"]


async def test_a_file_replaced_while_it_was_in_hand_is_not_archived_unread(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        file = tmp_path / "in" / "a.csv"
        file.write_text("one")
        (first,) = await watching.settled()
        (tmp_path / "in" / ".new").write_text("two")
        os.replace(tmp_path / "in" / ".new", file)
        await first.ack(0)
        (second,) = await watching.settled()
        assert second.content == b"two"


async def test_without_an_archive_a_file_stays_and_is_read_again_only_when_it_changes(tmp_path: Path) -> None:
    async with opened(tmp_path, archive="", failed="") as connection:
        watching = Watching(connection)
        file = tmp_path / "in" / "a.csv"
        file.write_text("one")
        (arrival,) = await watching.settled()
        await arrival.ack(0)
        assert await watching.settled() == []
        file.write_text("one and two")
        assert [arrival.content for arrival in await watching.settled()] == [b"one and two"]


async def test_what_was_released_is_offered_again_later(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        (tmp_path / "in" / "a.csv").write_text("one")
        (arrival,) = await watching.settled()
        await arrival.release(Transient("store-down"))
        assert await watching.settled() == []
        assert len(await watching.settled(60)) == 1


async def test_a_file_that_is_too_large_is_one_work_item(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection, max_size="1KiB")
        (tmp_path / "in" / "a.csv").write_text("x" * 2000)
        (arrival,) = await watching.settled()
        assert arrival.failure is not None
        assert arrival.failure.reason == "too-large"
        assert arrival.content == b""
        await arrival.ack(1)
        assert [path.name for path in (tmp_path / "failed").iterdir()] == ["a.csv"]


@pytest.mark.parametrize("name", ["\u202egpj.exe", "tab\tname", "back\\slash", "x" * 220])
async def test_odd_names_are_quarantined(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        (tmp_path / "in" / name).write_text("x")
        (arrival,) = await watching.settled()
        assert arrival.failure is not None and arrival.failure.reason == "unsafe-file-name"
        assert arrival.name.isprintable() and arrival.content == b""
        await arrival.ack(1)
        (moved,) = (tmp_path / "failed").iterdir()
        assert moved.name.startswith("refused-")
        assert list((tmp_path / "in").iterdir()) == []


async def test_links_and_pipes_are_never_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("secret")
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        (tmp_path / "in" / "a.csv").symlink_to(secret)
        os.mkfifo(tmp_path / "in" / "b.csv")
        (tmp_path / "in" / "c.csv").mkdir()
        refused = await watching.settled()
        assert [one.failure.reason for one in refused if one.failure] == ["not-a-file", "not-a-file"]
        for one in refused:
            await one.ack(1)
        assert sum(path.name.startswith("refused-") for path in (tmp_path / "failed").iterdir()) == 2
        assert secret.read_text() == "secret"
        assert len([text for text, _ in watching.ctx.logged if text == "a file was refused"]) == 2


async def test_a_file_that_cannot_be_read_is_a_work_item_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def guarded(path: Any, *args: Any, **kwargs: Any) -> int:
        if path == "a.csv":
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", guarded)
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        for name in ("a.csv", "b.csv"):
            (tmp_path / "in" / name).write_text(name)
        (other,) = await watching.settled()
        assert other.name == "b.csv"
        assert await watching.settled(60) == []
        (arrival,) = await watching.settled(60)
        assert arrival.failure is not None and arrival.failure.reason == "file-unreadable"
        assert (arrival.name, arrival.content) == ("a.csv", b"")
        assert "a.csv cannot be read: Permission denied" in str(arrival.failure)
        await arrival.ack(1)
        assert [path.name for path in (tmp_path / "failed").iterdir()] == ["a.csv"]


async def test_a_folder_that_vanishes_is_a_problem_that_heals(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        assert await watching.settled() == []
        (tmp_path / "in").rename(tmp_path / "away")
        with pytest.raises(Transient, match="folder-unreadable") as told:
            await watching.look()
        assert str(tmp_path / "in") in str(told.value)
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a.csv").write_text("one")
        (arrival,) = await watching.settled()
        (tmp_path / "archive").rename(tmp_path / "old-archive")
        (tmp_path / "archive").mkdir()
        await arrival.ack(0)
        assert [path.name for path in (tmp_path / "archive").iterdir()] == ["a.csv"]


async def test_only_names_that_match_are_taken(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        for name in ("a.xml", "b.csv", ".hidden.xml"):
            (tmp_path / "in" / name).write_text(name)
        assert [arrival.name for arrival in await Watching(connection, match="*.xml").settled()] == ["a.xml"]


async def test_folders_on_other_file_systems_are_refused(tmp_path: Path) -> None:
    if os.stat("/dev/shm").st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("there is one file system only")
    connection = FilesConnection(config(tmp_path, archive="/dev/shm"))
    with pytest.raises(Permanent, match="/dev/shm: not on the file system of"):
        await connection.open()


# --- sink ------------------------------------------------------------------------------------------------------------


async def write(connection: FilesConnection, action: str = "write", **request: Any) -> Any:
    (result,) = await FilesSink(connection).deliver([SinkItem("0" * 32, request, action, "event")], context())
    return result


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x", "/etc/x", "a/b", "", ".hidden", "a\0b", "x" * 300, "a\u202eb", "a\nb"]
)
async def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path) as connection:
        result = await write(connection, name=name, content="x")
        assert result.failure.reason == "unsafe-name"
        assert result.failure.kind == "permanent"


async def test_a_link_at_the_name_is_replaced_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep")
    async with opened(tmp_path) as connection:
        (tmp_path / "in" / "a.json").symlink_to(victim)
        (tmp_path / "in" / "b.ndjson").symlink_to(victim)
        assert (await write(connection, name="a.json", content=1)).failure is None
        assert (await write(connection, "append", name="b.ndjson", content=1)).failure is not None
        assert victim.read_text() == "keep"


async def test_csv_is_written_with_its_columns_and_without_formulas(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        rows = [{"sku": "=1+1", "net": Decimal("-12.50")}, {"sku": "A", "net": 3}]
        assert (await write(connection, name="a.csv", content=rows, format="csv")).failure is None
        assert (tmp_path / "in" / "a.csv").read_bytes() == b"sku,net\r\n'=1+1,-12.50\r\nA,3\r\n"


async def test_append_writes_the_header_once_and_closes_a_torn_line(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        for sku in ("A", "B"):
            await write(connection, "append", name="a.csv", content={"sku": sku}, format="csv", columns=["sku"])
        file = tmp_path / "in" / "a.csv"
        assert file.read_bytes() == b"sku\r\nA\r\nB\r\n"
        file.write_bytes(file.read_bytes() + b"torn")
        await write(connection, "append", name="a.csv", content={"sku": "C"}, format="csv", columns=["sku"])
        assert file.read_bytes() == b"sku\r\nA\r\nB\r\ntorn\nC\r\n"


async def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as connection:
        await write(connection, name="a.json", content=1)

        def full(fd: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        result = await write(connection, name="a.json", content=2)
        assert (result.failure.kind, result.failure.reason) == ("transient", "not-written")
        assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.json"]
        assert (tmp_path / "in" / "a.json").read_bytes() == b"1"


async def test_a_file_that_cannot_be_moved_is_said_and_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        (tmp_path / "in" / "a.csv").write_text("one")
        (arrival,) = await watching.settled()

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "rename", refuse)
        await arrival.ack(0)
        assert await watching.settled() == []
        assert (
            "a file could not be moved",
            {
                "file": "a.csv",
                "to": str(tmp_path / "archive"),
                "why": "Permission denied",
                "help": "give the engine the right to write in it",
            },
        ) in (watching.ctx.logged)
        monkeypatch.undo()
        assert await watching.settled(60) == []
        assert [path.name for path in (tmp_path / "archive").iterdir()] == ["a.csv"]


async def test_what_is_added_to_an_archived_file_is_a_work_item_each_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        with (tmp_path / "in" / "a.csv").open("ab", buffering=0) as till:
            till.write(b"1\n2\n")
            (arrival,) = await watching.settled()
            await arrival.ack(0)
            assert await watching.settled() == []
            for start, late in ((4, b"3\n"), (6, b"4\n5\n")):
                till.write(late)
                assert await watching.look() == []  # it may go on
                (grown,) = await watching.settled()
                assert grown.failure is not None and grown.failure.reason == "grew-after-read"
                assert f"{len(late)} bytes were added behind byte {start}" in grown.failure.detail
                assert f"{tmp_path / 'archive'}/a.csv" in grown.failure.detail
                assert (grown.name, grown.content, grown.headers) == ("a.csv", late, {"file": "a.csv"})
                await grown.ack(1)
                assert await watching.settled() == []
        assert [(file, what) for file, what, _ in watching.ctx.journaled] == [("a.csv", "grew")] * 2


async def test_a_file_that_grows_while_it_is_in_hand_is_archived_and_not_read_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        file = tmp_path / "in" / "a.csv"
        file.write_bytes(b"1\n")
        (arrival,) = await watching.settled()
        with file.open("ab") as till:
            till.write(b"2\n")
        assert await arrival.ack(0) == "as a.csv"
        (grown,) = await watching.settled()
        assert grown.failure is not None and grown.content == b"2\n"


async def test_an_archived_file_is_let_go_of_after_a_while_and_when_it_is_taken_away(tmp_path: Path) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection, stable_for="10s")
        for name in ("a.csv", "b.csv", "c.csv"):
            (tmp_path / "in" / name).write_text(name)
        for arrival in await watching.settled(11):
            await arrival.ack(0)
        os.utime(tmp_path / "archive" / "a.csv")
        (tmp_path / "archive" / "b.csv").unlink()
        assert await watching.settled(90) == []  # touched, taken away: neither is told
        assert await watching.settled(20) == []
        (tmp_path / "archive" / "c.csv").write_text("later")
        assert await watching.settled(60) == []
        assert watching.source._shelf._files == []


@pytest.mark.parametrize("late", [b"x" * 70_000, b""])
async def test_what_cannot_be_kept_is_told_without_a_body(tmp_path: Path, late: bytes) -> None:
    async with opened(tmp_path) as connection:
        watching = Watching(connection)
        (tmp_path / "in" / "a.csv").write_bytes(b"one")
        (arrival,) = await watching.settled()
        await arrival.ack(0)
        (tmp_path / "archive" / "a.csv").write_bytes(b"one" + late if late else b"two")
        (grown,) = await watching.settled()
        assert grown.failure is not None and grown.content == b""
        assert ("too many to be kept here" if late else "it was written anew") in grown.failure.detail


@pytest.mark.parametrize("create", [True, False])
async def test_an_archive_that_vanished_is_made_again_where_it_may_be(tmp_path: Path, create: bool) -> None:
    for name in ("in", "archive", "failed"):
        (tmp_path / name).mkdir()
    async with opened(tmp_path, create=create) as connection:
        watching = Watching(connection)
        (tmp_path / "in" / "a.csv").write_text("one")
        (arrival,) = await watching.settled()
        (tmp_path / "archive").rmdir()
        assert await arrival.ack(0) == ("as a.csv" if create else None)
        if not create:
            assert watching.ctx.logged[-1][1]["help"] == "make the folder again, or correct its path"
            (tmp_path / "archive").mkdir()
            assert await watching.settled(60) == []
        assert [path.name for path in (tmp_path / "archive").iterdir()] == ["a.csv"]


@pytest.mark.parametrize("action", ["write", "append"])
async def test_a_folder_that_was_moved_away_is_not_written_into(tmp_path: Path, action: str) -> None:
    async with opened(tmp_path) as connection:
        (tmp_path / "in").rename(tmp_path / "old")
        for make in (True, False):  # made by somebody, or by the engine
            if make:
                (tmp_path / "in").mkdir()
            assert (await write(connection, action, name="a.json", content=1)).failure is None
            assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.json"]
            shutil.rmtree(tmp_path / "in")
        assert list((tmp_path / "old").iterdir()) == []


@pytest.mark.parametrize("action", ["write", "append"])
async def test_a_folder_that_is_gone_is_told_with_what_to_do(tmp_path: Path, action: str) -> None:
    for name in ("in", "archive", "failed"):
        (tmp_path / name).mkdir()
    async with opened(tmp_path, create=False) as connection:
        (tmp_path / "in").rmdir()
        failure = (await write(connection, action, name="a.json", content=1)).failure
        assert isinstance(failure, Transient) and failure.reason == "not-written"
        where = f"a.json could not be written into the folder {tmp_path / 'in'}: No such file or directory"
        assert failure.detail == f"{where}; make the folder again, or correct its path"


@pytest.mark.parametrize("name", ["archive", "failed"])
def test_files_are_not_put_away_where_they_are_taken_from(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` is the folder files are taken from"):
        config(tmp_path, **{name: str(tmp_path / "archive" / ".." / "in") + "/"})
