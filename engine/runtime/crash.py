"""Crash points: named places where tests kill the process. Without TILLFLOW_CRASH_AT they do nothing.

`TILLFLOW_CRASH_AT=router-published:3` kills this process with SIGKILL when the point is reached for the third time.
"""

from __future__ import annotations

import os
import signal

_target = ""
_left = 0


def arm(spec: str) -> None:
    """Choose where this process dies: `NAME` or `NAME:COUNT`; empty: nowhere."""
    global _target, _left
    _target, _, count = spec.partition(":")
    _left = int(count or 1)


def point(name: str) -> None:
    """Die here if the tests asked for it."""
    global _left
    if name == _target:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("TILLFLOW_CRASH_AT", ""))
