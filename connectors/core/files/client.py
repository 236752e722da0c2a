"""One folder, opened once and used by its descriptor: no name leads out of it, no link is followed."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from engine.sdk import Permanent

MAX_NAME = 200  # bytes; leaves room for what an archive appends
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_APPEND = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_CREAT | os.O_APPEND
TEMPORARY = ".tillflow-"


_REMEDIES = {
    errno.ENOENT: "make the folder again, or correct its path",
    errno.EACCES: "give the engine the right to write in it",
    errno.EPERM: "give the engine the right to write in it",
    errno.EROFS: "mount its file system so that it can be written",
    errno.ENOSPC: "make room on its disk",
    errno.EDQUOT: "make room on its disk, or raise the quota",
    errno.EXDEV: "it is on another file system now: bring it back to the one of `directory`",
}


def remedy(error: OSError) -> str:
    """What is to be done about a folder that cannot be used."""
    return _REMEDIES.get(error.errno or 0, "look at the folder and its disk")


class FolderGone(OSError):
    """The folder is not there, and nothing was begun in it."""


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
        self._create = create
        self._lock = threading.Lock()  # files are written in threads: none may use a descriptor that is replaced
        if create:
            Path(path).mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, _FOLDER)
        self.device = os.fstat(self._fd).st_dev

    def close(self) -> None:
        os.close(self._fd)

    def refresh(self) -> None:
        """Open it again when another folder has its name by now. Raises OSError when none has."""
        with self._lock:
            here, there = os.fstat(self._fd), os.stat(self.path)
            if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
                fd = os.open(self.path, _FOLDER)
                os.close(self._fd)
                self._fd = fd

    def restore(self) -> None:
        """Open what has its name by now; made again when it is gone and may be made. Raises FolderGone."""
        try:
            if self._create and not os.path.lexists(self.path):
                self._make()
            self.refresh()
        except OSError as error:
            raise FolderGone(error.errno, error.strerror) from error

    def _make(self) -> None:
        """Only where it was: below a mount that is gone it would fill another disk, unseen once that is back."""
        above = next(parent for parent in Path(self.path).absolute().parents if parent.exists())
        if above.stat().st_dev != self.device:
            raise FileNotFoundError(errno.ENOENT, "its file system is not mounted")
        Path(self.path).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def _current(self) -> Iterator[int]:
        """A descriptor of the folder that has its name now. Raises FolderGone."""
        self.restore()
        with self._lock:
            fd = os.dup(self._fd)
        try:
            yield fd
        finally:
            os.close(fd)

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
        return self.look(name) is not None

    def read(self, name: str, expected: FileState) -> bytes | None:
        """The content; None when it is not (or not any more) the file that was seen. Raises OSError."""
        fd = os.open(name, _READ, dir_fd=self._fd)
        with os.fdopen(fd, "rb") as file:
            before = os.fstat(fd)
            if not stat.S_ISREG(before.st_mode) or _seen(before) != expected:
                return None
            content = file.read(expected.size + 1)
            return content if _seen(os.fstat(fd)) == expected and len(content) == expected.size else None

    def head(self, name: str, size: int) -> bytes:
        """The first bytes of a file. Raises OSError."""
        with os.fdopen(os.open(name, _READ, dir_fd=self._fd), "rb") as file:
            return file.read(size)

    def write(self, name: str, content: bytes) -> None:
        """Whole or not at all, and on the disk when it returns. Raises OSError, FolderGone."""
        temporary = f"{TEMPORARY}{secrets.token_hex(8)}"
        with self._current() as here:
            fd = os.open(temporary, _WRITE | os.O_CREAT | os.O_EXCL, 0o640, dir_fd=here)
            try:
                with os.fdopen(fd, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(fd)
                os.replace(temporary, name, src_dir_fd=here, dst_dir_fd=here)
            except BaseException:
                os.unlink(temporary, dir_fd=here)
                raise
            os.fsync(here)

    def append(self, name: str, header: bytes, lines: bytes) -> None:
        """Lines at the end, on the disk when it returns; a torn last line is closed first. Raises OSError, FolderGone."""
        with self._current() as here:
            fd = os.open(name, _APPEND, 0o640, dir_fd=here)
            with os.fdopen(fd, "rb+", buffering=0) as file:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise Permanent("not-a-file", f"{name} is not a regular file")
                size = os.fstat(fd).st_size
                start = header if size == 0 else b"" if os.pread(fd, 1, size - 1) == b"\n" else b"\n"
                data = memoryview(start + lines)
                while data:
                    data = data[file.write(data) or 0 :]
                os.fsync(fd)
            os.fsync(here)

    def move(self, entry: FolderEntry, target: Folder, as_name: str) -> str | None:
        """Rename into another folder under a name that is free there; answers that name.

        None when another file has the name by now: it was not read, so it must stay. Raises OSError, FolderGone.
        """
        target.restore()
        free, number = as_name, 1
        while target.exists(free):
            number += 1
            free = f"{as_name}.{number}"
        if self.look(entry.name) != entry.seen:
            return None
        os.rename(entry.name, free, src_dir_fd=self._fd, dst_dir_fd=target._fd)
        if target.look(free) != entry.seen:
            os.rename(free, entry.name, src_dir_fd=target._fd, dst_dir_fd=self._fd)
            return None
        os.fsync(target._fd)
        os.fsync(self._fd)
        return free

    def look(self, name: str) -> FileState | None:
        """What it looks like; None when it is not there."""
        try:
            return _seen(os.stat(name, dir_fd=self._fd, follow_symlinks=False))
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        os.unlink(name, dir_fd=self._fd)


def _seen(facts: os.stat_result) -> FileState:
    return FileState(facts.st_ino, facts.st_size, facts.st_mtime_ns)
