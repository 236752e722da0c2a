"""What a project needs of a transport whose queues an operator makes."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from connectors.core.formats import connector as formats
from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.compile.plan import Retry
from engine.config.project import read_project_from
from engine.plugins.registry import Registry
from engine.ports.transport import Address
from engine.runtime.delivery.retry import TIERS, next_delay
from engine.runtime.demand import QUARANTINE, WORK, demand, tiers_of
from engine.steps import BUILTIN
from tests.runtime.lab import Lab, lab_connector, project
from tests.runtime.routes import SALES

TIMES = st.sampled_from([0.5, 1.0, 3.0, 20.0, 60.0, 1800.0, 7200.0, 20_000.0])


def test_every_queue_a_project_uses_is_named_with_how_long_things_wait_for_it() -> None:
    # given two routes, of which one delivers through a connection
    registry = Registry([formats, lab_connector(Lab())], BUILTIN)
    known, _ = read_project_from(project(SALES), {})
    routeset, _ = compile_project(known, registry, DictSecrets({}))
    # when
    needed = demand(routeset)
    # then
    ingest, posting, lane = (
        Address("route", "ingest"),
        Address("route", "posting"),
        Address("lane", "outside.financial"),
    )
    assert set(needed.topology.queues) == {ingest, posting, lane, QUARANTINE, WORK}
    assert needed.topology.bindings == (("sale", "posting"),)
    assert needed.delays == {
        lane: TIERS,
        QUARANTINE: TIERS,
        ingest: (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0),
        posting: (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0),
    }


@given(
    st.builds(Retry, first=TIMES, max=TIMES, factor=st.sampled_from([1.0, 1.5, 5.0]), give_up_after=TIMES), st.data()
)
def test_no_policy_ever_chooses_a_tier_that_was_not_made(retry: Retry, data: st.DataObject) -> None:
    attempt = data.draw(st.integers(1, 40))
    delay = next_delay(retry, attempt, 0, 0, Random(data.draw(st.integers())))
    assert delay is None or delay in tiers_of(retry)


def test_a_policy_gets_no_tier_it_does_not_use() -> None:
    assert tiers_of(Retry(first=1, max=60, factor=2, give_up_after=3600)) == (1.0, 5.0, 30.0, 120.0)
    assert tiers_of(Retry(first=600, max=600, factor=2, give_up_after=3600)) == (120.0, 600.0)
