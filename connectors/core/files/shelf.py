"""Files that were put away, looked at again for a while: whoever wrote one may have it open still."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

from connectors.core.files.client import FileState, Folder
from engine.sdk import Arrival, Failure, Permanent, SourceContext

MOST = 1000  # files that are looked at; of more the oldest are let go of
LEAST = 60.0  # seconds each is looked at
SMALL = 64 << 10  # bytes; more of what was added is not kept in a work item
_ADVICE = "A writer that pauses longer than `stable_for` needs `done_marker`, or writes beside the folder and renames"


@dataclass
class Shelved:
    """A file where it was put away.

    file     its name as people know it
    read     what it looked like when it was read, `digest` of what was read then
    seen     what it looks like since `since`
    until    looked at until then (monotonic seconds)
    held     a work item of it is on its way
    """

    folder: Folder
    name: str
    file: str
    read: FileState
    digest: str
    seen: FileState
    since: float
    until: float
    held: bool = False

    @property
    def place(self) -> str:
        return f"{self.folder.path}/{self.name}"


class Shelf:
    """What one source put away lately."""

    def __init__(self, stable_for: float, max_size: int) -> None:
        self._stable_for = stable_for
        self._max_size = max_size
        self._files: list[Shelved] = []

    def put(self, folder: Folder, name: str, file: str, read: FileState, digest: str, now: float) -> None:
        """Look at it from now on."""
        self._files.append(Shelved(folder, name, file, read, digest, read, now, now + self._window))
        del self._files[:-MOST]

    @property
    def _window(self) -> float:
        return max(LEAST, 10 * self._stable_for)

    async def grown(self, ctx: SourceContext) -> list[Arrival]:
        """A refusal for each that is other than what was read, once it is left alone."""
        now = ctx.clock.monotonic()
        self._files = [one for one in self._files if one.held or self._there(one, now)]
        made = []
        for one in self._files:
            if one.held or one.seen == one.read or now - one.since < self._stable_for:
                continue
            if (arrival := await self._told(one, ctx)) is not None:
                made.append(arrival)
        return made

    def _there(self, one: Shelved, now: float) -> bool:
        """Whether it is to be looked at further; notes what it looks like."""
        try:
            state = one.folder.look(one.name)
        except OSError:
            return now < one.until
        if state is None or state.inode != one.read.inode:
            return False  # taken away, or another file
        if state != one.seen:
            one.seen, one.since = state, now
        return state != one.read or now < one.until

    async def _told(self, one: Shelved, ctx: SourceContext) -> Arrival | None:
        state = one.seen
        if state.size > self._max_size:
            why = f"it has {state.size} bytes now, {one.read.size} were read"
            return self._arrival(one, state, "", b"", why, ctx)
        try:
            content = await asyncio.to_thread(one.folder.read, one.name, state)
        except OSError as error:
            why = f"it has {state.size} bytes now, {one.read.size} were read; it cannot be read again: {error.strerror}"
            return self._arrival(one, state, "", b"", why, ctx)
        if content is None:
            return None  # it changes right now
        digest = hashlib.sha256(content).hexdigest()
        if digest == one.digest:
            one.read = state  # only touched
            return None
        rest = content[one.read.size :]
        if not rest or hashlib.sha256(content[: one.read.size]).hexdigest() != one.digest:
            why = "it was written anew; compare it with what was taken in"
            return self._arrival(one, state, digest, b"", why, ctx)
        return self._arrival(one, state, digest, rest if len(rest) <= SMALL else b"", _added(one, len(rest)), ctx)

    def _arrival(
        self, one: Shelved, state: FileState, digest: str, body: bytes, why: str, ctx: SourceContext
    ) -> Arrival:
        one.held = True
        text = (
            f"{one.file} was changed after it was read, and that is not taken in: {why}. It is {one.place}. {_ADVICE}"
        )
        failure = Permanent("grew-after-read", text, data={"file": one.file, "read": one.read.size, "now": state.size})

        async def ack(work_items: int) -> None:
            detail = f"from {one.read.size} to {state.size} bytes after it was read; what changed is not taken in"
            await ctx.journal(one.digest, one.file, "grew", detail)
            ctx.log("a file was changed after it was read", {"level": "warning", "file": one.file, "is": one.place})
            one.read, one.digest, one.held = state, digest or one.digest, False
            one.until = ctx.clock.monotonic() + self._window

        async def release(reason: Failure) -> None:
            one.held, one.since = False, ctx.clock.monotonic()

        own = f"grown/{one.digest}/{one.read.size}/{state.size}/{state.mtime}"
        return Arrival(one.file, ack, release, body, id=own, headers={"file": one.file}, failure=failure)


def _added(one: Shelved, size: int) -> str:
    start = f"{size} bytes were added behind byte {one.read.size}"
    if size > SMALL:
        return f"{start}, too many to be kept here; `tail -c +{one.read.size + 1}` of the file shows them"
    return f"{start}, and are kept here; before this is replayed put the header row above them if the format has one"
