"""A storm: edits one after the other, and what is seen meanwhile from outside."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.faults.edits import BROKEN, Desk, Edit
from tests.proof.place import Life, Place

BURN = 0.002  # seconds of work that tell how crowded the machine is
LOOK = 0.02
REPORTED = "these files have errors"
WITHIN = 60.0  # seconds until an edit that is not taken or told of counts as overlooked


class Tail:
    """Lines of JSON that were added to a file since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def new(self) -> list[dict[str, Any]]:
        """Whole lines only; what is no JSON is left out."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._at)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._at += len(whole)
        return [json.loads(line) for line in whole.splitlines() if line.startswith(b"{")]


class Host:
    """One engine: the revision it says it runs, and what it said of files that are wrong."""

    def __init__(self, place: Place, life: Life) -> None:
        self.place, self.life = place, life
        self._tail = Tail(place.log)
        self.number = 0
        self.reported: list[str] = []

    def look(self) -> None:
        for line in self._tail.new():
            if line.get("text") == "runs":
                self.number = max(self.number, line.get("number", 0))
            if line.get("text", "").startswith(REPORTED):
                self.reported.append(str(line.get("why", "")))


class Storm:
    """Edits, and the wait for each of them. `hosts` are those that live; `heard` is the log of the outside."""

    def __init__(self, desk: Desk, heard: Path, hosts: list[Host]) -> None:
        self._desk = desk
        self._effects = Tail(heard)
        self.hosts = hosts
        self.edits: list[Edit] = []
        self.waves: dict[int, float] = {}  # the number an edit wrote -> when its first effect was made
        self.receipts: list[float] = []  # when each effect was made
        self._burnt, self._lasted = 0.0, 0.0

    @property
    def crowd(self) -> float:
        """How many times longer work takes here than it would on a machine that did nothing else."""
        return self._lasted / self._burnt

    def first(self) -> None:
        """An edit that does not count: until it runs the process that reads the files may still be starting."""
        self.one("written", 2 * WITHIN)
        self.edits.clear()

    def weather(self, kinds: Iterable[str], every: float) -> None:
        """One edit after the other, at most so often; each is waited for."""
        for kind in kinds:
            began = time.monotonic()
            self.one(kind)
            while time.monotonic() - began < every:
                self._look()

    def one(self, kind: str, within: float = WITHIN) -> Edit:
        """An edit that has to run everywhere, or to be reported while all runs on as it did."""
        self._look()
        before = max(host.number for host in self.hosts)
        for host in self.hosts:
            host.reported.clear()
        edit = self._desk.edit(kind)
        if kind in BROKEN:
            self._until(edit, lambda: any(edit.lines in why for host in self.hosts for why in host.reported), within)
            self._goes_on(edit)
        else:
            self._until(edit, lambda: all(host.number > before for host in self.hosts), within)
            self._until(edit, lambda: edit.wave in self.waves, within, taken=False)
        self.edits.append(edit)
        return edit

    def _goes_on(self, edit: Edit) -> None:
        """What ran before does: more is posted."""
        seen = len(self.receipts)
        self._until(edit, lambda: len(self.receipts) > seen, WITHIN, taken=False)

    def _until(self, edit: Edit, happened: Callable[[], bool], within: float, *, taken: bool = True) -> None:
        ends = time.monotonic() + within
        while not happened():
            late = time.monotonic() > ends
            assert not late, f"{edit}: not within {within:g} s; log: {self.hosts[0].place.told()[-3000:]}"
            self._look()
        if taken:
            edit.taken = time.monotonic() - edit.began

    def _look(self) -> None:
        for host in self.hosts:
            assert host.life.code is None, f"the process ended with {host.life.code}: {host.place.told()[-2000:]}"
        time.sleep(LOOK)
        self.follow()
        if len(self.receipts) % 10 == 0:
            self._burn()

    def _burn(self) -> None:
        began, worked = time.monotonic(), time.thread_time()
        while time.thread_time() - worked < BURN:
            pass
        self._burnt += time.thread_time() - worked
        self._lasted += time.monotonic() - began

    def follow(self) -> None:
        """Take notice of what was logged and heard."""
        for host in self.hosts:
            host.look()
        for line in self._effects.new():
            if line["what"] == "effect" and line["way"] == "once":
                self.waves.setdefault(line["body"].get("wave", 0), line["at"])
                self.receipts.append(line["at"])

    # --- figures -----------------------------------------------------------------------------------------------------

    def taken(self, *, broken: bool) -> list[float]:
        """Seconds of each edit of this sort."""
        return [edit.taken for edit in self.edits if (edit.kind in BROKEN) is broken]

    def told(self) -> str:
        """The figures, a line each."""
        good, bad = self.taken(broken=False), self.taken(broken=True)
        gaps = [after - before for before, after in zip(self.receipts, self.receipts[1:], strict=False)]
        seconds = self.receipts[-1] - self.receipts[0]
        late = [f"{edit.kind} {edit.taken:.2f}" for edit in self.edits if edit.taken > 1.0]
        return (
            f"\n{len(self.edits)} edits; {len(good)} good, active everywhere within {_told(good)}; {len(bad)} broken, "
            f"reported within {_told(bad)}; over 1 s: {', '.join(late) or 'none'}\n"
            f"{len(self.receipts)} effects in {seconds:.0f} s; longest pause between two {max(gaps):.2f} s; "
            f"work takes {self.crowd:.1f} times as long as on a machine with nothing else to do"
        )


def _told(taken: Sequence[float]) -> str:
    return f"{median(taken):.2f} s (median), {max(taken):.2f} s (worst)"
