"""One engine process with its API: what `tillflow run` runs as its child."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from engine.app import engine_cell, make_engine, starting
from engine.console.api import make_app
from engine.console.probes import probing
from engine.console.revisions import RevisionVerbs
from engine.console.serve import serving
from engine.core.clock import SystemClock
from engine.loading import Loaded, exposed_secrets
from engine.logs import StderrLog, of_libraries
from engine.reader import ReaderProcess, running
from engine.runtime.watch import when_parent_dies
from engine.settings import Settings


async def serve(settings: Settings, loaded: Loaded, *, ready: Callable[[], None] = lambda: None) -> int:
    """Run the engine until SIGTERM or SIGINT; answers an exit code.

    This process owns transport and store; it ends with 1 when the disk under them failed.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    when_parent_dies(stop.set)
    problems: list[str] = []

    def broken(reason: str) -> None:
        problems.append(reason)
        stop.set()

    log = StderrLog(SystemClock(), settings.log_format)
    async with of_libraries(log), engine_cell(settings, log=log, broken=broken) as cell:
        cell.log("starting", {"state": settings.state, "socket": settings.socket})
        for text in exposed_secrets(settings):
            cell.log("a secret is not safe", {"why": text})
        started = await starting(cell, loaded, settings)
        reader = ReaderProcess(settings, cell.log)
        if started is not loaded:
            reader.hurry()
        engine = make_engine(cell, started, settings, reader=reader)
        log.always = engine.plans.stamp
        async with probing(engine, *settings.probes):
            await engine.start()
            try:
                async with (
                    serving(make_app(engine.control, RevisionVerbs(engine.reload, settings)), settings.socket),
                    running(reader),
                ):
                    cell.log("running", {"routes": len(engine.plans.all())})
                    ready()
                    await stop.wait()
            finally:
                await engine.stop(patience=0.5 if problems else 30.0)
                cell.log("stopped", {"why": problems[0]} if problems else {})
    return 1 if problems else 0
