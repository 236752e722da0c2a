"""What is told of several processes: only of those that live, and the last edit whoever watches."""

from __future__ import annotations

from engine.runtime.reload.processes import last_error
from engine.runtime.reload.wanted import Wanted
from tests.reload.test_processes import MORE, two, wanted
from tests.runtime.cellmates import cellmates
from tests.runtime.lab import settle, virtual


@virtual
async def test_every_live_process_is_told_with_what_it_runs() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        answer = await a.reload.apply(wanted(mates, MORE), "ana", "refunds")
        standing = await b.reload.standing()
        told = [(one["worker"], one["stage"], one["runs"]) for one in standing["processes"]]
        assert told == [("a", "running", answer["revision"]), ("b", "running", answer["revision"])]
        await b.stop()
        assert [one["worker"] for one in (await a.reload.standing())["processes"]] == ["a"]


@virtual
async def test_what_one_process_could_not_take_all_can_tell() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        bad = Wanted(MORE_BYTES, errors=("routes/refund.yaml:3:1 TF1000 this is wrong",))
        await a.reload._watching._take(bad)
        await settle()
        told = (await b.reload.standing())["last_error"]
        assert told is not None and told["problems"] == ["routes/refund.yaml:3:1 TF1000 this is wrong"]
        assert b.reload.last_error is None


@virtual
async def test_an_edit_that_is_applied_after_all_is_no_error_any_more() -> None:
    async with cellmates() as mates:
        a, _ = await two(mates)
        changed = wanted(mates, MORE)
        a.reload._watching._refuse(changed, "these files cannot be applied", ["a test fails"])
        assert a.reload.last_error is not None
        await a.reload.apply(changed, "ana", "it may fail")
        assert a.reload.last_error is None
        await a.reload.rollback("1", "ana", "it may not")
        assert a.reload.last_error is None


def test_the_newest_of_several_counts() -> None:
    older, newer = ({"at": at, "problems": []} for at in ("2026-03-14T10:00:00Z", "2026-03-14T11:00:00Z"))

    assert last_error({"a": {"last_error": newer}, "b": {"last_error": older}, "c": {}}) is newer
    assert last_error({"a": {}}) is None


MORE_BYTES = {path: text.encode() for path, text in MORE.items()}
