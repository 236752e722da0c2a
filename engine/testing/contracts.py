"""The contract kit: what every connector and format keeps, as tests a plugin author runs against a fake of the system.

Subclass a contract in a test module, name the class `Test..`, and say what is under test:

    from engine.testing.contracts import SinkContract, SinkSubject

    class TestOurSink(SinkContract):
        @asynccontextmanager
        async def subject(self):
            ...
            yield SinkSubject(sink, "post", [first, second], effects)

The tests run under pytest with anyio's plugin on asyncio (`pytest -p anyio`). What a fake cannot do is skipped with a
reason. Run the same class against the real system where there is one: that verifies the fake.
"""

from __future__ import annotations

from engine.testing.contract_call import CallContract, CallSubject
from engine.testing.contract_delivery import HurriedLoop, RealDelivery, delivering
from engine.testing.contract_format import HOSTILE, FormatContract, FormatSubject
from engine.testing.contract_sink import Exploding, SinkContract, SinkSubject
from engine.testing.contract_source import SourceContract, SourceSubject, running
from engine.testing.contract_tools import InstantClock, MemorySourceContext, context, no_floats

__all__ = [
    "HOSTILE",
    "CallContract",
    "CallSubject",
    "Exploding",
    "FormatContract",
    "FormatSubject",
    "HurriedLoop",
    "InstantClock",
    "MemorySourceContext",
    "RealDelivery",
    "SinkContract",
    "SinkSubject",
    "SourceContract",
    "SourceSubject",
    "context",
    "delivering",
    "no_floats",
    "running",
]
