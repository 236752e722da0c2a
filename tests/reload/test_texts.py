"""What is different between the files of two revisions, as text."""

from __future__ import annotations

from engine.runtime.reload.texts import LONGEST, file_changes, tables_with_files


def test_each_file_that_is_not_the_same_is_told_once() -> None:
    before = {"routes/a.yaml": b"a: 1\nb: 2\n", "routes/gone.yaml": b"x\n", "routes/same.yaml": b"s\n"}
    after = {"routes/a.yaml": b"a: 1\nb: 3\n", "routes/new.yaml": b"y\n", "routes/same.yaml": b"s\n"}

    changed, gone, new = file_changes(before, after)

    assert [(one["file"], one["change"]) for one in (changed, gone, new)] == [
        ("routes/a.yaml", "changed"),
        ("routes/gone.yaml", "removed"),
        ("routes/new.yaml", "added"),
    ]
    assert changed["text"].splitlines()[-2:] == ["-b: 2", "+b: 3"]
    assert "+++ /dev/null" in gone["text"] and "--- /dev/null" in new["text"]


def test_what_is_no_text_or_too_long_is_told_by_its_size() -> None:
    changes = file_changes(
        {"cases/a.bin": b"\xff\xfe", "tables/long.csv": b"x"},
        {"cases/a.bin": b"\xff", "tables/long.csv": b"y" * LONGEST * 2},
    )

    assert [one["text"] for one in changes] == ["2 bytes -> 1 bytes", f"1 bytes -> {LONGEST * 2} bytes"]


def test_tables_with_rows_in_files_are_named() -> None:
    tables = (
        b"tillflow: 1\ntables:\n  stores: {csv: a.csv, key: id}\n  last: {key: id}\n  accounts: {csv: b.csv, key: id}\n"
    )

    assert tables_with_files({"routes/tables.yaml": tables}) == ["accounts", "stores"]
    assert tables_with_files({}) == []
