"""Reading every file of a project from disk, once, without leaving its folder."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import BinaryIO, Final

from engine.config.layout import FOLDERS, is_ignored
from engine.core.findings import Finding, Mark

MAX_CASE_BYTES: Final = 64 << 20
DEEPEST: Final = 40  # folders in folders; a tree by mistake must not take the reader's time and stack
OLD: Final = 2.0  # seconds after which a changed file has another time, on any file system


# Path -> what the file system said of a file, and its bytes: one of which it says the same is not read again.
Known = dict[str, tuple[tuple[int, ...], bytes]]


def scan(root: Path, known: Known | None = None) -> tuple[dict[str, bytes], list[Finding]]:
    """Bytes of all files below routes/ and mappings/ by their path (with /), in order of path; and findings.

    known   what was read before; it is brought up to date
    """
    if not os.path.isdir(root):
        advice = "name the folder that holds routes/ and mappings/"
        return {}, [Finding("TF9001", f"{root.name or root} is not a folder", Mark("."), advice)]
    if not os.path.isdir(root / "routes") and not _is_unreachable(root / "routes"):
        advice = "lay a project down with `tillflow init`, or name its folder with --project"
        return {}, [Finding("TF9001", "there is no folder routes/ here", Mark("routes"), advice)]
    scanner = _Scanner(root, known or {})
    for name in FOLDERS:
        if os.path.isdir(root / name):
            scanner.folder(root / name, name)
        elif _is_unreachable(root / name):
            scanner.file(root / name, name)
    if known is not None:
        known.clear()
        known.update(scanner.known)
    return dict(sorted(scanner.files.items())), scanner.findings


class _Scanner:
    def __init__(self, root: Path, before: Known) -> None:
        self.root = Path(os.path.realpath(root))
        self.known: Known = {}
        self._before = before
        self.files: dict[str, bytes] = {}
        self.findings: list[Finding] = []
        self._seen: set[Path] = set()

    def folder(self, path: Path, name: str) -> None:
        if name.count("/") >= DEEPEST:
            text = f"this lies {DEEPEST} folders deep; what is below it is not read"
            self.findings.append(Finding("TF9005", text, Mark(name), "move it up, or out of the project"))
            return
        try:
            real = _followed(path)
            if not self._inside(real, name) or real in self._seen:
                return
            self._seen.add(real)
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError as error:
            self._unreadable(name, error)
            return
        for entry in entries:
            inner = f"{name}/{entry.name}"
            if is_ignored(inner):
                continue
            if not _is_text(entry.name):
                self.findings.append(Finding("TF9005", "a file's name is not text", Mark(name), "rename it"))
            elif _is_folder(entry):
                self.folder(Path(entry.path), inner)
            else:
                self.file(Path(entry.path), inner)

    def file(self, path: Path, name: str) -> None:
        try:
            if path.is_symlink() and not self._inside(_followed(path), name):
                return
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe in the folder must not stop the reader
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    self.findings.append(Finding("TF9005", "this is no regular file", Mark(name), "move it away"))
                    return
                if status.st_size > MAX_CASE_BYTES:
                    text = f"the file has {status.st_size} bytes; at most {MAX_CASE_BYTES} are read"
                    self.findings.append(Finding("TF9005", text, Mark(name), "keep it outside of the project"))
                    return
                stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                self.files[name] = self._content(name, file, stamp)
        except OSError as error:
            self._unreadable(name, error)

    def _content(self, name: str, file: BinaryIO, stamp: tuple[int, ...]) -> bytes:
        """Read, unless it is as it was and old enough for its times to say so."""
        before = self._before.get(name)
        old = time.time_ns() - max(stamp[3:]) > OLD * 1e9
        content = before[1] if before is not None and before[0] == stamp and old else file.read()
        self.known[name] = (stamp, content)
        return content

    def _inside(self, real: Path, name: str) -> bool:
        if real.is_relative_to(self.root):
            return True
        advice = "copy the file into the project"
        self.findings.append(Finding("TF9004", "this link leads out of the project", Mark(name), advice))
        return False

    def _unreadable(self, name: str, error: OSError) -> None:
        text = f"this cannot be read: {error.strerror or error}"
        self.findings.append(Finding("TF9005", text, Mark(name), "check that it exists and its permissions"))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """False too for a link that cannot be followed: reading it as a file tells why."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_unreachable(path: Path) -> bool:
    """Something may be there, and it cannot be told what."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return os.path.islink(path)
    except OSError:
        return True
    return False


def _followed(path: Path) -> Path:
    """Where a path leads in the end. Raises OSError where it cannot be followed (`Path.resolve` may raise others)."""
    return Path(os.path.realpath(path, strict=True))


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
