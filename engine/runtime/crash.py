"""Crash points: named places where tests kill the process. Without TILLFLOW_CRASH_AT they do nothing.

`TILLFLOW_CRASH_AT=router-published:3` kills this process with SIGKILL when the point is reached for the third time.
"""

from __future__ import annotations

import os
import signal

_target, _, _count = os.environ.get("TILLFLOW_CRASH_AT", "").partition(":")
_left = int(_count or 1)


def point(name: str) -> None:
    """Die here if the tests asked for it."""
    global _left
    if name == _target:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
