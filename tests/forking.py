"""Processes forked from one that has imported what they need: a start costs a tenth of a fresh one."""

from __future__ import annotations

import multiprocessing

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.proof.forked", "tests.runtime.deadly"])
