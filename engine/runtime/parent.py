"""`tillflow run` is a parent with one child. The child does all the work and owns transport and store; the parent only
notices its death, remembers what it was executing (see `watch`), and starts it again.

Connections that close, sinks that fail and children that leave on purpose make no suspects.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from engine.runtime.watch import FOLDER, Watch, note_death, when_parent_dies

__all__ = ["Parent", "Watch", "when_parent_dies"]


@dataclass
class Parent:
    """Runs a command as its child until it ends on purpose.

    command    of the child
    folder     shared with it; made if missing
    ends       exit codes with which the child leaves on purpose: they become the parent's own
    long_life  seconds after which a child counts as healthy and the pause before a restart starts small again
    """

    command: Sequence[str]
    folder: Path
    ends: frozenset[int]
    say: Callable[[str], None]
    first_pause: float = 0.2
    longest_pause: float = 30.0
    long_life: float = 60.0
    patience: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _asked_to_stop: bool = field(default=False, init=False)

    def run(self) -> int:
        """Start the child, and again whenever it dies. Answers the exit code it left with; 0 after a stop."""
        self.folder.mkdir(parents=True, exist_ok=True)
        before = {sign: signal.signal(sign, self._stop) for sign in (signal.SIGTERM, signal.SIGINT)}
        try:
            return self._keep_running()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for sign, handler in before.items():
                signal.signal(sign, handler)

    def _keep_running(self) -> int:
        pause = self.first_pause
        while True:
            began = self.monotonic()
            code = self._one_life()
            if self._asked_to_stop:
                return 0 if code in (0, -signal.SIGTERM, -signal.SIGINT) else max(code, 1)
            if code in self.ends:
                return code
            suspects, poison = note_death(self.folder)
            if self.monotonic() - began >= self.long_life:
                pause = self.first_pause
            cause = f"signal {-code}" if code < 0 else f"exit code {code}"
            self.say(f"the worker died ({cause}); {suspects} new suspects, {poison} poison; again in {pause:g} s")
            self._rest(pause)
            if self._asked_to_stop:
                return 0
            pause = min(pause * 2, self.longest_pause)

    def _rest(self, seconds: float) -> None:
        """Sleep in small steps: a signal does not end a sleep by itself."""
        while seconds > 0 and not self._asked_to_stop:
            self.sleep(min(seconds, 0.2))
            seconds -= 0.2

    def _one_life(self) -> int:
        """Start a child and wait for its end. It is told of our death by the end of its standard input."""
        (self.folder / "executing").unlink(missing_ok=True)
        environment = {**os.environ, FOLDER: str(self.folder)}
        self._child = subprocess.Popen(self.command, env=environment, stdin=subprocess.PIPE)
        try:
            if self._asked_to_stop:
                self._child.terminate()
            return self._child.wait()
        finally:
            if self._child.stdin is not None:
                self._child.stdin.close()
            self._child = None

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Pass a stop on to the child; a second one, or one it does not follow, kills it."""
        child, again = self._child, self._asked_to_stop
        self._asked_to_stop = True
        if child is None:
            return
        if again:
            child.kill()
        else:
            child.terminate()
            signal.signal(signal.SIGALRM, lambda *_: child.kill())
            signal.setitimer(signal.ITIMER_REAL, self.patience)
