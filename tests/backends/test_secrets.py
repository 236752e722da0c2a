"""Secrets come from variables, files or a dict; their versions change with them and tell nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.backends.secrets import DictSecrets, EnvironmentSecrets, version_key, version_of
from engine.core.errors import SettingsError
from engine.ports.secrets import SecretSource


def test_a_variable_gives_the_secret() -> None:
    source: SecretSource = EnvironmentSecrets({"TILLFLOW_SECRET_ERP_API_TOKEN": "s3cret", "ERP": "no"})
    for name in ("erp_api_token", "ERP_API_TOKEN", "erp-api.token"):
        assert source.get(name).reveal() == "s3cret"
    with pytest.raises(KeyError):
        source.get("erp")


def test_a_file_gives_the_secret_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "erp").write_bytes(b"two\nlines\r\n")
    (tmp_path / "plain").write_bytes(b" spaces stay ")
    source = EnvironmentSecrets({}, tmp_path)
    assert source.get("erp").reveal() == "two\nlines"
    assert source.get("plain").reveal() == " spaces stay "


def test_a_variable_comes_before_a_file(tmp_path: Path) -> None:
    (tmp_path / "erp").write_text("file")
    assert EnvironmentSecrets({"TILLFLOW_SECRET_ERP": "variable"}, tmp_path).get("erp").reveal() == "variable"


def test_an_exchanged_file_is_seen_with_another_version(tmp_path: Path) -> None:
    source = EnvironmentSecrets({}, tmp_path)
    (tmp_path / "erp").write_text("old")
    before = source.get("erp")
    (tmp_path / "erp").write_text("new")
    after = source.get("erp")
    assert (before.reveal(), after.reveal()) == ("old", "new")
    assert before.version != after.version


@pytest.mark.parametrize("name", ["../erp", "a/b", "", ".", "..", "/etc/passwd", "x" * 200, "a\0b"])
def test_a_name_never_leaves_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "erp").write_text("s3cret")
    folder = tmp_path / "secrets"
    folder.mkdir()
    with pytest.raises(KeyError):
        EnvironmentSecrets({}, folder).get(name)


@pytest.mark.parametrize("value", ["", "\n"])
def test_an_empty_value_is_no_secret(tmp_path: Path, value: str) -> None:
    (tmp_path / "erp").write_text(value)
    with pytest.raises(KeyError):
        EnvironmentSecrets({"TILLFLOW_SECRET_ERP": ""}, tmp_path).get("erp")


def test_a_file_that_cannot_be_used_is_told_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"s3cret\xff")
    (tmp_path / "large").write_bytes(b"s3cret" * 20_000)
    (tmp_path / "folder").mkdir()
    source = EnvironmentSecrets({}, tmp_path)
    for name, why in (("binary", "not UTF-8"), ("large", "larger than"), ("folder", "cannot be read")):
        with pytest.raises(SettingsError, match=why) as raised:
            source.get(name)
        assert "s3cret" not in str(raised.value)
        assert raised.value.__cause__ is None and raised.value.__suppress_context__


def test_no_text_form_shows_a_value() -> None:
    source = DictSecrets({"erp": "s3cret"})
    secret = source.get("erp")
    for text in (str(secret), repr(secret), f"{secret}", f"{secret:>20}", repr(source), str([secret]), secret.version):
        assert "s3cret" not in text


def test_versions_are_stable_short_and_differ_by_name_value_and_key() -> None:
    version = version_of("erp", "s3cret", b"key")
    assert version == version_of("erp", "s3cret", b"key") == DictSecrets({"erp": "s3cret"}, b"key").get("erp").version
    assert len(version) == 8
    others = {version_of("erp2", "s3cret", b"key"), version_of("erp", "other", b"key"), version_of("erp", "s3cret")}
    assert len(others | {version}) == 4


def test_the_version_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "version.key"
    key = version_key(path)
    assert len(key) == 32 and version_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
