"""Where secrets come from: environment variables, a folder of files, or a dict in tests."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from engine.core.errors import SettingsError
from engine.ports.secrets import Secret

PREFIX = "TILLFLOW_SECRET_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_MOST_BYTES = 64 << 10


def version_of(name: str, value: str, key: bytes = b"") -> str:
    """8 hex digits that change with the value and tell nothing about it.

    Slow on purpose (some milliseconds) and short, so that a version seen in a digest or log confirms no guess; with
    `key`, a random value kept beside the state, it cannot even be computed elsewhere.
    """
    salt = hashlib.sha256(key + b"\0" + name.encode()).digest()
    return hashlib.scrypt(value.encode("utf-8", "surrogatepass"), salt=salt, n=1 << 12, r=8, p=1, dklen=4).hex()


def version_key(path: Path) -> bytes:
    """The random key in this file, made on first use and readable by its owner only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        key = secrets.token_bytes(32)
        file.write(key)
    return key


def open_to_all(folder: Path | None) -> list[Path]:
    """Files of the folder that every user of the machine may read; nothing where there is no such folder."""
    if folder is None or not folder.is_dir():
        return []
    return [path for path in sorted(folder.iterdir()) if path.is_file() and path.stat().st_mode & stat.S_IROTH]


class DictSecrets:
    """Fixed values. For tests, and for anything that has them already."""

    def __init__(self, values: Mapping[str, str], key: bytes = b"") -> None:
        self._values = dict(values)
        self._key = key
        self._versions: dict[tuple[str, str], str] = {}

    def get(self, name: str) -> Secret:
        """Raises KeyError when there is no such secret."""
        value = self._value(name)
        if not value:
            raise KeyError(name)
        if (name, value) not in self._versions:
            self._versions[name, value] = version_of(name, value, self._key)
        return Secret(name, value, self._versions[name, value])

    def _value(self, name: str) -> str:
        return self._values.get(name, "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class EnvironmentSecrets(DictSecrets):
    """`TILLFLOW_SECRET_<NAME>` (upper case, `-` and `.` as `_`), else the file `<name>` in a folder where one is given.

    A file is UTF-8 text; one line end after the value is not part of it. Files are read each time, so that an exchanged
    secret is seen by the next load. An empty value is no secret.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path | None = None, key: bytes = b"") -> None:
        super().__init__({}, key)
        self._environ = environ
        self._folder = folder

    def _value(self, name: str) -> str:
        """Raises SettingsError when the file is there and cannot be used."""
        if not _NAME.fullmatch(name):
            return ""
        variable = PREFIX + name.upper().replace("-", "_").replace(".", "_")
        return self._environ.get(variable) or self._from_file(name)

    def _from_file(self, name: str) -> str:
        if self._folder is None:
            return ""
        path = self._folder / name
        try:
            with path.open("rb") as file:
                raw = file.read(_MOST_BYTES + 1)
            text = raw.decode("utf-8")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise SettingsError(f"the secret file {path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"the secret file {path} is not UTF-8 text") from None
        if len(raw) > _MOST_BYTES:
            raise SettingsError(f"the secret file {path} is larger than {_MOST_BYTES} bytes") from None
        return text.removesuffix("\n").removesuffix("\r")
