"""Virtual time reaches every moment it is asked for, however far away."""

from __future__ import annotations

import asyncio

from engine.testing.clock import run_virtual


def test_a_timer_is_reached_after_years() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(400 * 86400.0)
        begun = loop.time()
        for _ in range(100):
            await asyncio.sleep(0.1)
        return loop.time() - begun

    assert 9.99 < run_virtual(main()) < 10.01
