"""`tillflow run` is a parent with children. They do all the work and reach transport and store; the parent only notices
the death of one, remembers what it was executing (see `watch`) so that all of them are careful with it, and starts it
again.

Connections that close, sinks that fail and children that leave on purpose make no suspects.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from engine.runtime.watch import (
    FOLDER,
    NUMBER,
    Known,
    Watch,
    executing_in,
    forget_executing,
    judge,
    read_suspects,
    when_parent_dies,
    write_down,
)

__all__ = ["Parent", "Watch", "when_parent_dies"]


@dataclass
class Parent:
    """Runs a command as its children until they end on purpose.

    command    of a child; its number is in its environment
    folder     shared with them; made if missing
    ends       exit codes with which a child leaves on purpose: all others are stopped, it becomes the parent's own
    awaits     those of `ends` that say something it needs cannot be reached: once it has run, it is tried again
    children   how many
    variables  of a child's environment, beside those of the parent's own, which stays as it is
    long_life  seconds after which a child counts as healthy and the pause before a restart starts small again
    """

    command: Sequence[str]
    folder: Path
    ends: frozenset[int]
    say: Callable[[str], None]
    children: int = 1
    awaits: frozenset[int] = frozenset()
    variables: Mapping[str, str] = field(default_factory=dict)
    first_pause: float = 0.2
    longest_pause: float = 30.0
    long_life: float = 60.0
    patience: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    _lives: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)
    _codes: list[int] = field(default_factory=list, init=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False)
    _untold: Known | None = field(default=None, init=False)  # known from deaths, and not written down yet
    _stopping: bool = field(default=False, init=False)

    def run(self) -> int:
        """Start the children, and again whenever one dies. Answers the exit code one left with; 0 after a stop."""
        self.folder.mkdir(parents=True, exist_ok=True)
        before = {sign: signal.signal(sign, self._asked_to_stop) for sign in (signal.SIGTERM, signal.SIGINT)}
        try:
            keepers = [threading.Thread(target=self._keep, args=(n,)) for n in range(1, self.children + 1)]
            for keeper in keepers:
                keeper.start()
            for keeper in keepers:
                keeper.join()
            return next(filter(None, self._codes), 0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for sign, handler in before.items():
                signal.signal(sign, handler)

    def _keep(self, number: int) -> None:
        """One child, life after life. The first end on purpose is everybody's."""
        self._codes.append(self._keep_running(number))
        if not self._stopping:
            self._stopping = True
            self._signal(signal.SIGTERM)

    def _keep_running(self, number: int) -> int:
        pause, lives = self.first_pause, 0
        while True:
            began = self.monotonic()
            code = self._one_life(number)
            lives += 1
            if self._stopping:
                return 0 if code in (0, -signal.SIGTERM, -signal.SIGINT) else max(code, 1)
            if code in self.ends and not (code in self.awaits and lives > 1):
                return code
            if self.monotonic() - began >= self.long_life:
                pause = self.first_pause
            self._tell(number, code, pause)
            self._rest(pause)
            if self._stopping:
                return 0
            pause = min(pause * 2, self.longest_pause)

    def _tell(self, number: int, code: int, pause: float) -> None:
        with self._turn:
            noted = self._noted(number)
        who = f"worker {number}" if self.children > 1 else "the worker"
        cause = f"signal {-code}" if code < 0 else f"exit code {code}"
        with suppress(OSError):  # a log on a full disk: the worker is started again all the same
            self.say(f"{who} died ({cause}); {noted}; again in {pause:g} s")

    def _noted(self, number: int) -> str:
        """Note what the dead one was executing; in memory only, while the disk takes nothing."""
        try:
            known = self._untold or read_suspects(self.folder)
            self._untold, suspects, poison = judge(known, executing_in(self.folder, number))
            self._write_untold()
        except OSError as error:
            return f"what the dead worker executed cannot be noted: {error.strerror or error}"
        return f"{suspects} new suspects, {poison} poison"

    def _write_untold(self) -> None:
        if self._untold is not None:
            write_down(self.folder, self._untold)
            self._untold = None

    def _rest(self, seconds: float) -> None:
        """Sleep in small steps: a signal does not end a sleep by itself."""
        while seconds > 0 and not self._stopping:
            self.sleep(min(seconds, 0.2))
            seconds -= 0.2

    def _one_life(self, number: int) -> int:
        """Start a child and wait for its end. It is told of our death by the end of its standard input."""
        with self._turn, suppress(OSError):  # tried again here, so that the next life knows it
            self._write_untold()
        forget_executing(self.folder, number)
        environment = {**os.environ, **self.variables, FOLDER: str(self.folder), NUMBER: str(number)}
        with self._turn:
            if self._stopping:
                return 0
            child = self._lives[number] = subprocess.Popen(self.command, env=environment, stdin=subprocess.PIPE)
        if self._stopping:  # it was asked for while this one was not among the others yet
            child.terminate()
        try:
            return child.wait()
        finally:
            if child.stdin is not None:
                child.stdin.close()
            del self._lives[number]

    def _asked_to_stop(self, sign: int, frame: FrameType | None) -> None:
        """Pass a stop on to the children; a second one, or one they do not follow, kills them."""
        again, self._stopping = self._stopping, True
        self._signal(signal.SIGKILL if again else signal.SIGTERM)
        if not again:
            signal.signal(signal.SIGALRM, lambda *_: self._signal(signal.SIGKILL))
            signal.setitimer(signal.ITIMER_REAL, self.patience)

    def _signal(self, sign: signal.Signals) -> None:
        for child in list(self._lives.values()):
            child.send_signal(sign)
