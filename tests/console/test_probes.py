"""/health/live, /health/ready and /metrics of one engine process."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.console.metrics import METRICS, page
from engine.console.probes import make_probes, probing
from engine.core.errors import Permanent, SettingsError, StoreDown, Transient
from engine.runtime.engine import Engine
from engine.settings import Settings
from tests.runtime.lab import bench, running, sale, settle, virtual
from tests.runtime.routes import SALES


@asynccontextmanager
async def asking(engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_probes(engine))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine") as client:
        yield client


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of a page in the text format, its labels in order; anything else on it fails the test."""
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for one in found}


@virtual
async def test_events_are_counted_by_route_sink_and_outcome() -> None:
    async with bench() as made, running(made, SALES) as engine, asking(engine) as client:
        # given two sales, of which one is refused once and one for good
        made.lab.fail = [Transient("busy"), None, Permanent("closed")]
        made.lab.offer([sale("1")])
        await settle()
        made.lab.offer([sale("2")])
        await settle()
        # when
        answer = await client.get("/metrics")
        found = samples(answer.text)

    def events(route: str, sink: str, outcome: str) -> float:
        return found["tillflow_events_total", (("outcome", outcome), ("route", route), ("sink", sink))]

    # then
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert events("posting", "erp", "applied") == 1
    assert events("posting", "erp", "retrying") == 1
    assert events("posting", "erp", "work-item") == 1
    assert events("ingest", "sales", "published") == 2
    assert found["tillflow_work_items_open", (("route", "posting"),)] == 1
    assert found["tillflow_source_taken_total", (("route", "ingest"),)] == 2
    ended = [("tillflow_request_seconds_count", (("connection", "outside"), ("outcome", how))) for how in OUTCOMES]
    assert [found[one] for one in ended] == [1, 1, 1]
    assert found["tillflow_ready", ()] == 1


OUTCOMES = ("ok", "permanent", "transient")


@virtual
async def test_what_a_source_refuses_is_counted_by_reason() -> None:
    async with bench() as made, running(made, SALES) as engine, asking(engine) as client:
        # given one record that becomes a work item at the door, and requests that leave nothing behind
        made.lab.offer(b"{broken", "day.json")
        context = engine.sources["ingest"]._context(0)
        for reason in ("unauthorized", "unauthorized", "too-large", *(f"word-{number}" for number in range(50))):
            context.refused(reason)
        await settle()
        found = samples((await client.get("/metrics")).text)

    def refused(reason: str) -> float:
        return found["tillflow_source_refused_total", (("reason", reason), ("route", "ingest"))]

    assert (refused("work-item"), refused("unauthorized"), refused("too-large")) == (1, 2, 1)
    assert refused("other") == 50 - 14  # words are labels: a source that invents them finds an end


@virtual
async def test_labels_are_bounded_and_every_metric_is_documented() -> None:
    async with bench() as made, running(made, SALES) as engine, asking(engine) as client:
        made.lab.fail = [Transient("busy")]
        made.lab.offer([sale(str(number)) for number in range(30)])
        await settle()
        text = (await client.get("/metrics")).text
    own = [name for name, _ in samples(text) if not name.startswith("process_")]
    names = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in own}
    assert names == set(METRICS)
    assert {label for _, labels in samples(text) for label, _ in labels} <= {
        "version", "route", "sink", "connection", "lane", "outcome", "reason", "le",
    }  # fmt: skip
    assert all(f"`{name}`" in page() for name in METRICS)
    events = [labels for name, labels in samples(text) if name == "tillflow_events_total"]
    assert len(events) < 15  # thirty sales are no thirty series


@virtual
async def test_buckets_add_up() -> None:
    async with bench() as made, running(made, SALES) as engine, asking(engine) as client:
        engine.counts.requested("a", 0.02, None)
        engine.counts.requested("a", 60.0, None)
        found = samples((await client.get("/metrics")).text)
    labels = (("connection", "a"), ("outcome", "ok"))

    def bucket(bound: str) -> float:
        return found["tillflow_request_seconds_bucket", tuple(sorted((*labels, ("le", bound))))]

    assert (bucket("0.005"), bucket("0.025"), bucket("30.0"), bucket("+Inf")) == (0, 1, 1, 2)
    assert found["tillflow_request_seconds_sum", labels] == pytest.approx(60.02)


@virtual
async def test_ready_names_what_does_not_work_and_live_does_not_care() -> None:
    async with bench() as made, running(made, SALES) as engine, asking(engine) as client:
        await settle(0.1)
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "state": "running", "problems": {}})
        # when the transport misses a consumer
        made.transport.problems = lambda: {"consumer/route/posting": "its queue is gone"}
        answer = await client.get("/health/ready")
        # then
        assert answer.status_code == 503
        assert answer.json()["problems"] == {"transport/consumer/route/posting": "its queue is gone"}
        assert samples((await client.get("/metrics")).text)["tillflow_ready", ()] == 0
        assert (await client.get("/health/live")).status_code == 200


@virtual
async def test_a_store_that_is_away_makes_it_not_ready_and_leaves_its_figures_out() -> None:
    async with bench() as made, running(made, SALES) as engine, asking(engine) as client:
        await settle(0.1)

        async def away(*ops: Any) -> Any:
            raise StoreDown("away")

        whole, made.store.apply = made.store.apply, away
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()["state"]) == (503, "store_down")
        found = samples((await client.get("/metrics")).text)
        assert ("tillflow_ready", ()) in found
        assert ("tillflow_work_items_open", (("route", "posting"),)) not in found
        made.store.apply = whole


@virtual
async def test_an_engine_that_stops_is_not_ready() -> None:
    async with bench() as made:
        engine = made.engine(SALES)
        async with asking(engine) as client:
            assert (await client.get("/health/ready")).json()["state"] == "new"
            await engine.start()
            await engine.stop()
            assert (await client.get("/health/ready")).status_code == 503


@pytest.mark.anyio
async def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"nothing can listen at 127\.0\.0\.1:{port} \(--http\)"):
            async with probing(None, "127.0.0.1", port):  # type: ignore[arg-type]
                pass


def test_each_worker_listens_on_a_port_of_its_own() -> None:
    settings = Settings(Path("."), Path("."), http="127.0.0.1:9464")
    assert settings.probes == ("127.0.0.1", 9464)
    assert replace(settings, worker=3).probes == ("127.0.0.1", 9466)
    assert replace(settings, http="[::1]:80").probes == ("::1", 80)
    assert replace(settings, http="").probes == ("", 0)


@pytest.mark.parametrize("wrong", ["9464", "host:", ":9464", "host:port", "127.0.0.1:999999"])
def test_an_address_that_is_none_is_told(wrong: str) -> None:
    with pytest.raises(SettingsError, match="is no address to listen at"):
        _ = Settings.read({"TILLFLOW_HTTP": wrong}).probes
