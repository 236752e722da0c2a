"""Source `core.files`: complete files, one after the other, each content once."""

from __future__ import annotations

import asyncio
import fnmatch
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from connectors.core.files.client import FileState, Folder, FolderEntry, name_problem, remedy
from connectors.core.files.config import FilesSourceConfig
from connectors.core.files.connection import FilesConnection
from connectors.core.files.shelf import Shelf
from engine.sdk import Arrival, Failure, Permanent, Source, SourceContext, Transient, source

RETRY_AFTER = 30.0  # seconds before a file that was given back is offered again
TRIES = 3  # to read a file, before it becomes a work item
_INLINE = 1 << 20  # bytes; a larger file is read in a thread


@dataclass
class _Watch:
    """What is known of a name in the folder, as long as it looks like `seen`.

    held    in hand: given to the engine and not settled
    done    settled, and still there because there is no folder to move it to
    until   not offered before this (monotonic seconds)
    tries   how often it could not be read
    move    puts it away once more: its folder could not be written
    """

    seen: FileState
    since: float
    held: bool = False
    done: bool = False
    until: float = 0.0
    tries: int = 0
    move: Callable[[], Awaitable[object]] | None = None


@source("core.files")
class FilesSource(Source):
    """Files of one folder.

    A file is read once its size and time have not changed for `stable_for`, or its done-marker is there. It is
    archived by rename after everything in it is durable. A file whose content was taken in before, under whatever
    name, is archived as a duplicate and has no second effect. A file that is too large or cannot be read is a work
    item; links, devices and odd names are never opened: each is a work item too, and is moved to `failed` under another
    name. A file that is written on after it was read is a work item `grew-after-read` that holds what came late.
    """

    Config = FilesSourceConfig
    exclusive = True

    def __init__(self, config: FilesSourceConfig, connection: FilesConnection, route: str) -> None:
        self._config = config
        self._connection = connection
        self._route = route
        self._watched: dict[str, _Watch] = {}
        self._digests: set[str] = set()
        self._shelf = Shelf(config.stable_for, config.max_size)
        self._closed = False

    async def close(self) -> None:
        """Offer no more files."""
        self._closed = True

    async def arrivals(self, ctx: SourceContext) -> AsyncIterator[Arrival]:
        """Complete files in order of name."""
        while not self._closed:
            for entry in self._ready(ctx):
                arrival = await self._take(entry, ctx)
                if arrival is not None:
                    yield arrival
                if self._closed:
                    return
            await self._move_again(ctx)
            for arrival in await self._shelf.grown(ctx):
                yield arrival
            await ctx.clock.sleep(self._config.poll)

    def _ready(self, ctx: SourceContext) -> list[FolderEntry]:
        """Files that match, are complete, and are not in hand."""
        now = ctx.clock.monotonic()
        try:
            entries = [entry for entry in self._connection.inbox.entries() if self._mine(entry)]
        except OSError as error:
            raise Transient("folder-unreadable", f"{self._connection.inbox.path}: {error.strerror}") from error
        for gone in self._watched.keys() - {entry.name for entry in entries}:
            if not self._watched[gone].held:
                del self._watched[gone]
        return [entry for entry in entries if self._complete(entry, now)]

    def _mine(self, entry: FolderEntry) -> bool:
        marker = self._config.done_marker
        return fnmatch.fnmatchcase(entry.name, self._config.match) and not (marker and entry.name.endswith(marker))

    def _complete(self, entry: FolderEntry, now: float) -> bool:
        watch = self._watched.get(entry.name)
        if watch is None or (watch.seen != entry.seen and not watch.held):
            watch = self._watched[entry.name] = _Watch(entry.seen, now)
        if watch.held or watch.done or now < watch.until:
            return False
        if entry.refusal:
            return True
        if self._config.done_marker:
            return self._connection.inbox.exists(entry.name + self._config.done_marker)
        return now - watch.since >= self._config.stable_for

    async def _move_again(self, ctx: SourceContext) -> None:
        now = ctx.clock.monotonic()
        for watch in list(self._watched.values()):
            if watch.move is not None and now >= watch.until:
                await watch.move()

    async def _take(self, entry: FolderEntry, ctx: SourceContext) -> Arrival | None:
        if entry.refusal:
            return await self._refused(entry, ctx)
        if entry.seen.size > self._config.max_size:
            why = f"{entry.name} has {entry.seen.size} bytes; at most {self._config.max_size} are accepted"
            unread = f"{entry.name}/{entry.seen.size}/{entry.seen.mtime}"
            return self._arrival(entry, b"", unread, ctx, Permanent("too-large", why))
        try:
            content = await self._read(entry)
        except FileNotFoundError:
            content = None
        except OSError as error:
            return self._unreadable(entry, error.strerror or str(error), ctx)
        if content is None:
            self._watched.pop(entry.name, None)
            return None
        return await self._once(entry, content, ctx)

    def _unreadable(self, entry: FolderEntry, why: str, ctx: SourceContext) -> Arrival | None:
        """Tried again some times, then one work item: a disk may recover, a permission has to be given by somebody."""
        watch = self._watched[entry.name]
        watch.tries += 1
        ctx.log("a file could not be read", {"file": entry.name, "error": why, "try": watch.tries})
        if watch.tries < TRIES:
            watch.until = ctx.clock.monotonic() + RETRY_AFTER
            return None
        unread = f"unread/{entry.name}/{entry.seen.size}/{entry.seen.mtime}"
        failure = Permanent("file-unreadable", f"{entry.name} cannot be read: {why}", data={"file": entry.name})
        return self._arrival(entry, b"", unread, ctx, failure)

    async def _read(self, entry: FolderEntry) -> bytes | None:
        inbox = self._connection.inbox
        if entry.seen.size <= _INLINE:
            return inbox.read(entry.name, entry.seen)
        return await asyncio.to_thread(inbox.read, entry.name, entry.seen)

    async def _once(self, entry: FolderEntry, content: bytes, ctx: SourceContext) -> Arrival | None:
        digest = hashlib.sha256(content).hexdigest()
        if digest in self._digests:
            return None  # the same content is in hand under another name; look again when that is settled
        first = await ctx.seen(digest)
        if first is not None:
            await self._duplicate(entry, digest, first, ctx)
            return None
        return self._arrival(entry, content, digest, ctx)

    async def _duplicate(self, entry: FolderEntry, digest: str, first: str, ctx: SourceContext) -> None:
        """Told before it is moved. One that stays in the folder is told once, however often the source begins anew."""
        archive = self._connection.archive
        copy = "" if archive else f"{digest}/{entry.name}/{entry.seen.mtime}"
        if not archive and (first == entry.name or await ctx.seen(copy) is not None):
            await self._put_away(entry, None, entry.name, ctx)
            return
        await ctx.journal(digest, entry.name, "duplicate", f"its content was taken in before, as {first}")
        if copy:
            await ctx.remember(copy, entry.name)
        moved = await self._put_away(entry, archive, f"{entry.name}.duplicate", ctx, digest)
        ctx.log(
            "a file was taken in before", {"file": entry.name, "first": first} | ({"moved": moved} if moved else {})
        )
        if moved:
            await ctx.journal(digest, entry.name, "archived", f"as {moved}")

    async def _refused(self, entry: FolderEntry, ctx: SourceContext) -> Arrival | None:
        """A name that is never opened, as one work item; the file is moved under a name that can be written down."""
        shown = entry.name.encode("unicode_escape", "surrogatepass").decode()[:120]
        digest = hashlib.sha256(entry.name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        unread, failed_as = f"refused/{digest}/{entry.seen.size}/{entry.seen.mtime}", f"refused-{digest}"
        if await ctx.seen(unread) is not None:
            await self._put_away(entry, self._connection.failed, failed_as, ctx)
            return None
        reason = "unsafe-file-name" if name_problem(entry.name) else "not-a-file"
        failure = Permanent(reason, f"{shown} is not read: {entry.refusal}", data={"file": shown})
        ctx.log("a file was refused", {"file": shown, "why": entry.refusal})
        return self._arrival(entry, b"", unread, ctx, failure, shown=shown, failed_as=failed_as)

    def _arrival(
        self,
        entry: FolderEntry,
        content: bytes,
        digest: str,
        ctx: SourceContext,
        failure: Failure | None = None,
        *,
        shown: str = "",
        failed_as: str = "",
    ) -> Arrival:
        """What is in hand. `shown` and `failed_as` stand for a name that must not be written as it is."""
        name = shown or entry.name
        self._watched[entry.name].held = True
        self._digests.add(digest)

        async def ack(work_items: int) -> str | None:
            await ctx.remember(digest, name)
            self._digests.discard(digest)
            folder = self._connection.failed if work_items else self._connection.archive
            moved = await self._put_away(entry, folder, failed_as or entry.name, ctx, "" if failure else digest)
            return f"as {moved}" if moved else None

        async def release(reason: Failure) -> None:
            self._digests.discard(digest)
            watch = self._watched[entry.name]
            watch.held, watch.until = False, ctx.clock.monotonic() + RETRY_AFTER
            ctx.log("a file could not be taken in now", {"file": name, "reason": reason.reason})

        own_id = digest if failure else ""
        return Arrival(name, ack, release, content, id=own_id, headers={"file": name}, failure=failure)

    async def _put_away(
        self, entry: FolderEntry, folder: Folder | None, as_name: str, ctx: SourceContext, digest: str = ""
    ) -> str | None:
        """Move a settled file. Where it cannot be moved it stays, is not read again until it changes, and is tried again.

        digest   of its content, where that was read
        """
        watch = self._watched[entry.name]
        if folder is None:
            watch.held, watch.done = False, True
            return None
        try:
            found = await self._as_it_is(entry, digest)
            moved = self._connection.inbox.move(found, folder, as_name)
        except OSError as error:
            if watch.move is None:
                facts = {"file": entry.name, "to": folder.path, "why": error.strerror, "help": remedy(error)}
                ctx.log("a file could not be moved", facts)
            watch.held, watch.done, watch.until = False, True, ctx.clock.monotonic() + RETRY_AFTER
            watch.move = lambda: self._put_away(entry, folder, as_name, ctx, digest)
            return None
        self._watched.pop(entry.name, None)
        if moved and digest:
            self._shelf.put(folder, moved, entry.name, entry.seen, digest, ctx.clock.monotonic())
        marker = self._config.done_marker
        if marker and self._connection.inbox.exists(entry.name + marker):
            self._connection.inbox.remove(entry.name + marker)
        return moved

    async def _as_it_is(self, entry: FolderEntry, digest: str) -> FolderEntry:
        """The entry as it is to be moved. One that only grew is moved too: read anew, its records would come twice."""
        inbox = self._connection.inbox
        now = inbox.look(entry.name)
        if not digest or now is None or now.inode != entry.seen.inode or now.size <= entry.seen.size:
            return entry
        read = await asyncio.to_thread(inbox.head, entry.name, entry.seen.size)
        return entry._replace(seen=now) if hashlib.sha256(read).hexdigest() == digest else entry
