"""A change of what runs, seen from a command: waiting for every process, and telling what became of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.cli.output import err, escape, inline, out
from engine.cli.owner import Owner

_BACK = "what they say comes back with the next save: correct them first"
LOOK = 0.3  # seconds between two questions


@dataclass(frozen=True)
class Change:
    """What became of one.

    running   an engine works, here or elsewhere
    waited    every process was waited for
    """

    answer: Mapping[str, Any]
    running: bool
    waited: bool = False

    @property
    def state(self) -> str:
        """active, unchanged or rejected."""
        return str(self.answer["state"])

    @property
    def good(self) -> bool:
        """It is active; and runs in every process, where they were waited for."""
        return self.state != "rejected" and not (self.waited and self.answer["behind"])

    def as_dict(self) -> dict[str, Any]:
        """As it is printed."""
        return {**self.answer, "running": self.running}


async def wait_for_all(owner: Owner, change: Change, within: float) -> Change:
    """Until every process runs it, at most so many seconds; 0: not at all."""
    if not within or change.state == "rejected":
        return change
    end = time.monotonic() + within
    while True:
        now = await owner.get("/revisions/now")
        if (now["active"] or {}).get("revision") != change.answer["revision"]:
            why = {"worker": "", "why": "another revision became active meanwhile; see `tillflow history`"}
            answer = {**change.answer, "state": "rejected", "problems": [why]}
            return replace(change, answer=answer, waited=True)
        behind = [one["worker"] for one in now["processes"] if one["stage"] != "running"]
        failed = [one for one in now["processes"] if one["stage"] == "failed"]
        if not behind or failed or time.monotonic() >= end:
            problems = [{"worker": one["worker"], "why": one["problem"]} for one in failed]
            answer = {**change.answer, "behind": behind, "problems": [*change.answer["problems"], *problems]}
            return replace(change, answer=answer, waited=True)
        await asyncio.sleep(LOOK)


def show_change(change: Change) -> None:
    """For people: the result to stdout, what went wrong to stderr."""
    answer = change.answer
    name = answer["revision"][:12]
    if change.state == "rejected":
        err().print(f"[bold red]not taken[/]: revision {name}; what ran runs on")
    elif change.state == "unchanged":
        out().print(f"nothing changes: revision {name} is active already")
    elif change.running:
        out().print(f"revision {name} is active")
    else:
        out().print(f"revision {name} is active; the engine does not run, it is what the next start runs")
    for one in answer["problems"]:
        who = f"{one['worker']}: " if one["worker"] else ""
        err().print(escape(f"  {who}{one['why']}"))
    if answer["behind"]:
        err().print(escape(f"  not there yet: {', '.join(answer['behind'])}"))
    if answer.get("differ"):
        out().print(f"the files differ from what runs now; {_BACK}")
    if tables := answer.get("tables") if change.state == "active" else ():
        out().print(
            inline(f"reference tables are not taken back ({', '.join(tables)}): the rows of their files serve now")
        )
