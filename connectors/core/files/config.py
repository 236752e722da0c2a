"""Configuration of `core.files`."""

from __future__ import annotations

import os
from typing import Any, Literal

from pydantic import Field, model_validator

from connectors.core.formats.fields import Encoding, Names
from engine.sdk import Duration, Options, Size, problem


class FilesConfig(Options):
    """A connection: one folder, and where files go after they were taken in. All on one file system."""

    directory: str = Field(
        min_length=1, description="The folder. Nothing outside it is ever touched.", examples=["data/pos/inbox"]
    )
    archive: str = Field("", description="Folder for files that were taken in. Empty: they stay where they are.")
    failed: str = Field(
        "", description="Folder for files with work items, and for what is refused. Empty: the archive."
    )
    create: bool = Field(
        True, description="Make the folders when they are missing, also when one went missing while the engine runs."
    )

    @model_validator(mode="after")
    def _sound(self) -> FilesConfig:
        for name, path in (("archive", self.archive), ("failed", self.failed)):
            if path and os.path.abspath(path) == os.path.abspath(self.directory):
                why = f"`{name}` is the folder files are taken from"
                raise problem("TF5008", why, "name a folder beside it", f"{self.directory.rstrip('/')}-{name}", (name,))
        return self


class FilesSourceConfig(Options):
    """Which files of the folder a route takes in, and when they are complete."""

    match: str = Field(
        "*",
        min_length=1,
        description="Names that are taken in, with `*` and `?`.",
        examples=["*.xml", "SALES_????????.csv"],
    )
    stable_for: Duration = Field(
        2.0,
        description="How long size and time of a file must not change before it is read. A writer that pauses longer needs "
        "`done_marker`, or writes beside the folder and renames: what it adds to a file that was read is not taken in. "
        "An archived file is looked at for ten times as long (at least 60s, the last 1000 files, until the route or "
        "the engine stops), and what was added by then is a work item `grew-after-read`.",
        examples=["2s"],
    )
    done_marker: str = Field(
        "",
        description="Ending of an empty file that says its neighbour is complete: `.done` for `a.csv.done`.",
    )
    poll: Duration = Field(1.0, description="How often the folder is looked at.", examples=["1s", "1m"])
    max_size: Size = Field(
        64 << 20, description="A larger file is not read: it becomes a work item.", examples=["64MiB"]
    )


class WriteRequest(Options):
    """What `write` needs."""

    name: str = Field(
        description="Name of the file, without a folder. The same name again replaces the file; at a financial route only "
        "for the same event, so write all parts of its key into the name.",
        examples=["sale-1001.json"],
    )
    content: Any = Field(description="Text as it is, or the items of the document.")
    format: Literal["json", "ndjson", "csv", "text"] = Field("json", description="How the content is written.")
    columns: Names = Field(
        default_factory=list, description="Columns of a csv, in order; empty: as the items name them."
    )
    delimiter: str = Field(",", min_length=1, max_length=1, description="Character between the cells of a csv.")
    encoding: Encoding = Field("utf-8", description="Encoding of csv and text.")


class AppendRequest(Options):
    """What `append` needs."""

    name: str = Field(description="Name of the file, without a folder.", examples=["sales.ndjson"])
    content: Any = Field(description="One item or a list of items; each becomes one line.")
    format: Literal["ndjson", "csv"] = Field("ndjson", description="How the lines are written.")
    columns: Names = Field(default_factory=list, description="Columns of a csv, in order; required for csv.")
    delimiter: str = Field(",", min_length=1, max_length=1, description="Character between the cells of a csv.")
    encoding: Encoding = Field("utf-8", description="Encoding of a csv.")
