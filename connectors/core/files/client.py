"""One folder, opened once and used by its descriptor: no name leads out of it, no link is followed."""

from __future__ import annotations

import os
import secrets
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from engine.sdk import Permanent

MAX_NAME = 200  # bytes; leaves room for what an archive appends
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
TEMPORARY = ".tillflow-"


class FileState(NamedTuple):
    """What tells one state of a file from another."""

    inode: int
    size: int
    mtime: int


class FolderEntry(NamedTuple):
    """A name in the folder. `refusal` says why it is not read; empty when it may be."""

    name: str
    seen: FileState
    refusal: str = ""


def name_problem(name: str) -> str:
    """Why this is not the name of a file of ours; empty when it is."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "it is not UTF-8"
    if not name or size > MAX_NAME:
        return f"it has {size} bytes; 1 to {MAX_NAME} are accepted"
    if "/" in name or "\\" in name or name.startswith("."):
        return "it holds a path separator or begins with a point"
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"} for char in name):
        return "it holds a control or direction character"
    return ""


def require_name(name: str) -> None:
    """Raises Permanent `unsafe-name`."""
    if why := name_problem(name):
        raise Permanent("unsafe-name", f"{name[:80]!r} is not a file name here: {why}")


class Folder:
    """An opened folder. Every operation takes a bare name in it."""

    def __init__(self, path: str, create: bool) -> None:
        self.path = path
        if create:
            Path(path).mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, _FOLDER)
        self.device = os.fstat(self._fd).st_dev

    def close(self) -> None:
        os.close(self._fd)

    def refresh(self) -> None:
        """Open it again when another folder has its name by now. Raises OSError when none has."""
        here, there = os.fstat(self._fd), os.stat(self.path)
        if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
            fd = os.open(self.path, _FOLDER)
            os.close(self._fd)
            self._fd = fd

    def entries(self) -> Iterator[FolderEntry]:
        """Everything in it that is not a folder or a hidden file, in order of name. Raises OSError."""
        self.refresh()
        with os.scandir(self._fd) as found:
            names = sorted(entry.name for entry in found if not entry.name.startswith("."))
        for name in names:
            try:
                facts = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
            except FileNotFoundError:
                continue  # gone since the folder was read
            if stat.S_ISDIR(facts.st_mode):
                continue
            refusal = name_problem(name) or ("" if stat.S_ISREG(facts.st_mode) else "it is not a regular file")
            yield FolderEntry(name, _seen(facts), refusal)

    def exists(self, name: str) -> bool:
        return self._look(name) is not None

    def read(self, name: str, expected: FileState) -> bytes | None:
        """The content; None when it is not (or not any more) the file that was seen. Raises OSError."""
        fd = os.open(name, _READ, dir_fd=self._fd)
        with os.fdopen(fd, "rb") as file:
            before = os.fstat(fd)
            if not stat.S_ISREG(before.st_mode) or _seen(before) != expected:
                return None
            content = file.read(expected.size + 1)
            return content if _seen(os.fstat(fd)) == expected and len(content) == expected.size else None

    def write(self, name: str, content: bytes) -> None:
        """Whole or not at all, and on the disk when it returns. Raises OSError."""
        temporary = f"{TEMPORARY}{secrets.token_hex(8)}"
        fd = os.open(temporary, _WRITE | os.O_CREAT | os.O_EXCL, 0o640, dir_fd=self._fd)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(fd)
            os.replace(temporary, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        except BaseException:
            os.unlink(temporary, dir_fd=self._fd)
            raise
        os.fsync(self._fd)

    def append(self, name: str, header: bytes, lines: bytes) -> None:
        """Lines at the end, on the disk when it returns; a torn last line is closed first. Raises OSError."""
        fd = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_CREAT | os.O_APPEND, 0o640, dir_fd=self._fd)
        with os.fdopen(fd, "rb+", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Permanent("not-a-file", f"{name} is not a regular file")
            size = os.fstat(fd).st_size
            start = header if size == 0 else b"" if os.pread(fd, 1, size - 1) == b"\n" else b"\n"
            data = memoryview(start + lines)
            while data:
                data = data[file.write(data) or 0 :]
            os.fsync(fd)
        os.fsync(self._fd)

    def move(self, entry: FolderEntry, target: Folder, as_name: str) -> str | None:
        """Rename into another folder under a name that is free there; answers that name.

        None when another file has the name by now: it was not read, so it must stay. Raises OSError.
        """
        target.refresh()
        free, number = as_name, 1
        while target.exists(free):
            number += 1
            free = f"{as_name}.{number}"
        if self._look(entry.name) != entry.seen:
            return None
        os.rename(entry.name, free, src_dir_fd=self._fd, dst_dir_fd=target._fd)
        if target._look(free) != entry.seen:
            os.rename(free, entry.name, src_dir_fd=target._fd, dst_dir_fd=self._fd)
            return None
        os.fsync(target._fd)
        os.fsync(self._fd)
        return free

    def _look(self, name: str) -> FileState | None:
        try:
            return _seen(os.stat(name, dir_fd=self._fd, follow_symlinks=False))
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        os.unlink(name, dir_fd=self._fd)


def _seen(facts: os.stat_result) -> FileState:
    return FileState(facts.st_ino, facts.st_size, facts.st_mtime_ns)
