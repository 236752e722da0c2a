"""The connection of `core.files`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from connectors.core.files.client import Folder
from connectors.core.files.config import FilesConfig
from engine.sdk import Connection, Failure, Permanent, Transient


class FilesConnection(Connection):
    """The folders of one connection."""

    Config = FilesConfig

    def __init__(self, config: FilesConfig) -> None:
        self.config = config
        self._folders: dict[str, Folder] = {}

    @property
    def _paths(self) -> list[str]:
        return [path for path in (self.config.directory, self.config.archive, self.config.failed) if path]

    async def open(self) -> None:
        """Open the folders, and make those that are missing. Raises Failure, see `_unusable`; `folder-elsewhere`."""
        for path in self._paths:
            try:
                self._folders[path] = Folder(path, self.config.create)
            except OSError as error:
                await self.close()
                raise _unusable(path, error) from error
        devices = {path: folder.device for path, folder in self._folders.items()}
        if len(set(devices.values())) > 1:
            await self.close()
            raise _elsewhere(devices)

    async def close(self) -> None:
        """Close the folders."""
        for folder in self._folders.values():
            folder.close()
        self._folders.clear()

    async def check(self) -> str:
        """How many files wait, or which folders will be made. Makes nothing. Raises Failure as `open` does."""
        devices: dict[str, int] = {}
        missing: list[str] = []
        for path in self._paths:
            place = Path(path).absolute()
            try:
                found = os.stat(path)
            except FileNotFoundError as error:
                if not self.config.create:
                    raise _unusable(path, error) from error
                missing.append(path)
                place = next(parent for parent in place.parents if parent.exists())
                found = place.stat()
            except OSError as error:
                raise _unusable(path, error) from error
            if not stat.S_ISDIR(found.st_mode):
                raise _no_folder(str(place), path)
            if not os.access(place, os.W_OK | os.X_OK):
                raise _unusable(path, PermissionError(13, f"no right to write in {place}"))
            devices[path] = found.st_dev
        if len(set(devices.values())) > 1:
            raise _elsewhere(devices)
        if missing:
            return f"not there yet, made when the engine opens it: {', '.join(missing)}"
        return f"{self.config.directory}: {_waiting(self.config.directory)} files"

    @property
    def inbox(self) -> Folder:
        """The folder that is read and written."""
        return self._folders[self.config.directory]

    @property
    def archive(self) -> Folder | None:
        """Where files go that were taken in; None: they stay."""
        return self._folders.get(self.config.archive)

    @property
    def failed(self) -> Folder | None:
        """Where files go that were refused."""
        return self._folders.get(self.config.failed) or self.archive


def _waiting(path: str) -> int:
    try:
        with os.scandir(path) as found:
            return sum(not entry.name.startswith(".") and not entry.is_dir() for entry in found)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: str, error: OSError) -> Failure:
    """Permanent `not-a-folder`, or Transient `folder-missing`: it may be mounted, or its rights given, later."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        whole = Path(path).absolute()
        there = next((place for place in (whole, *whole.parents) if place.exists()), whole)
        return _no_folder(str(there), path)
    advice = "make it, or correct the path and the rights"
    return Transient("folder-missing", f"the folder {path} cannot be opened: {error.strerror}; {advice}")


def _no_folder(there: str, path: str) -> Failure:
    needed = "" if there == path or there == os.path.abspath(path) else f", and {path} would be below it"
    return Permanent("not-a-folder", f"{there} is not a folder{needed}; name a folder in the connection")


def _elsewhere(devices: dict[str, int]) -> Failure:
    home, *others = devices
    away = [path for path in others if devices[path] != devices[home]]
    return Permanent(
        "folder-elsewhere",
        f"{', '.join(away)}: not on the file system of {home}. Files are renamed from one into the other, so directory, "
        "archive and failed must be on one; name folders beside each other in the connection",
    )
