"""Sink `core.files`: one file per delivery, or lines at the end of one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from connectors.core.files.client import Folder, FolderGone, remedy, require_name
from connectors.core.files.config import AppendRequest, WriteRequest
from connectors.core.files.connection import FilesConnection
from connectors.core.formats.csv_format import written
from connectors.core.requests import read_request
from engine.sdk import (
    Action,
    ConnectorContext,
    Failure,
    Permanent,
    Sink,
    SinkItem,
    SinkResult,
    Transient,
    UnknownOutcome,
    encode,
    sink,
)


@sink("core.files")
class FilesSink(Sink):
    """Writes into the folder of a connection.

    `write` gives one file per delivery, complete or not at all and on the disk before it counts; the same name again
    replaces it, so a repeat has no second effect. At a financial route a file of another event is not replaced: the
    delivery becomes a work item `name-taken`. `append` adds lines to a file and may repeat them after a crash.
    Text in csv cells that a spreadsheet would run as a formula gets a leading `'`; numbers stay numbers.
    """

    actions: ClassVar = {
        "write": Action(
            WriteRequest,
            "upsert",
            body="content",
            summary="Write one file, replacing one of that name.",
            replaces="name",
        ),
        "append": Action(AppendRequest, "at_least_once", body="content", summary="Add lines at the end of a file."),
    }

    def __init__(self, connection: FilesConnection) -> None:
        self._connection = connection

    async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
        """One after the other; each is on the disk when its result is given."""
        return [await self._one(item, ctx) for item in batch]

    async def _one(self, item: SinkItem, ctx: ConnectorContext) -> SinkResult:
        try:
            if item.action == "write":
                return SinkResult.applied(await self._write(item, ctx))
            return SinkResult.applied(await self._append(item, ctx))
        except Failure as failure:
            return SinkResult.failed(failure)

    async def _write(self, item: SinkItem, ctx: ConnectorContext) -> dict[str, Any]:
        request = read_request(WriteRequest, item.request)
        require_name(request.name)
        content = document(request)
        ctx.sent()
        try:
            await asyncio.to_thread(self._connection.inbox.write, request.name, content)
        except OSError as error:
            raise Transient("not-written", _not_written(self._connection.inbox, request.name, error)) from error
        return {"file": request.name, "bytes": len(content)}

    async def _append(self, item: SinkItem, ctx: ConnectorContext) -> dict[str, Any]:
        request = read_request(AppendRequest, item.request)
        require_name(request.name)
        header, lines = appended(request)
        ctx.sent()
        try:
            await asyncio.to_thread(self._connection.inbox.append, request.name, header, lines)
        except FolderGone as error:
            raise Transient("not-written", _not_written(self._connection.inbox, request.name, error)) from error
        except OSError as error:
            raise UnknownOutcome("not-written", _not_written(self._connection.inbox, request.name, error)) from error
        return {"file": request.name, "bytes": len(lines)}


def _not_written(folder: Folder, name: str, error: OSError) -> str:
    return f"{name} could not be written into the folder {folder.path}: {error.strerror}; {remedy(error)}"


def document(request: WriteRequest) -> bytes:
    """The bytes of a whole file. Raises Permanent `bad-item`."""
    content = request.content
    if request.format == "text":
        if not isinstance(content, str):
            raise Permanent("bad-item", f"`content` is {type(content).__name__}; the format text writes text")
        return _encoded(content, request.encoding)
    if request.format == "json":
        return encode(content)
    items = content if isinstance(content, list) else [content]
    if request.format == "ndjson":
        return b"".join(encode(item) + b"\n" for item in items)
    return _csv(items, request.columns, request.delimiter, request.encoding, header=True)


def appended(request: AppendRequest) -> tuple[bytes, bytes]:
    """(header of a new file, lines). Raises Permanent `bad-item`."""
    items = request.content if isinstance(request.content, list) else [request.content]
    if request.format == "ndjson":
        return b"", b"".join(encode(item) + b"\n" for item in items)
    if not request.columns:
        raise Permanent("bad-item", "`append` of a csv needs `columns`: later items must not add any")
    header = _csv([], request.columns, request.delimiter, request.encoding, header=True)
    return header, _csv(items, request.columns, request.delimiter, request.encoding, header=False)


def _csv(items: Sequence[Any], columns: list[str], delimiter: str, encoding: str, *, header: bool) -> bytes:
    if not all(isinstance(item, dict) for item in items):
        raise Permanent("bad-item", "each item of a csv is an object: {column: cell}")
    return _encoded(written(items, columns, delimiter, header=header), encoding)


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except (LookupError, UnicodeEncodeError) as error:
        raise Permanent("bad-item", f"the text cannot be written as {encoding}: {error}") from None
