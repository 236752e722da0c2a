"""Secrets of a family: one for each store, found by name and key while an event runs."""

from __future__ import annotations

from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.config.project import read_project_from
from engine.core.findings import has_errors
from tests.regions.site import BASE, POSTING, registry
from tests.runtime.lab import bench, running, settle, virtual

KEYED = BASE | {
    "routes/posting.yaml": POSTING.replace(
        "{id: bounded,",
        "{id: keyed, check: [{that: \"present(secret('csc', store))\", otherwise: {work_item: no-code}}]}\n  - {id: bounded,",
    )
}


def test_a_family_needs_no_secret_of_its_bare_name() -> None:
    project, found = read_project_from({path: text.encode() for path, text in KEYED.items()}, {})
    _, more = compile_project(project, registry(), DictSecrets({}))
    assert not has_errors([*found, *more])


@virtual
async def test_each_store_has_its_own() -> None:
    files = {path: text for path, text in KEYED.items() if path != "routes/plain.yaml"}
    async with bench() as made:
        made.secrets = DictSecrets({"csc.A": "geheim"})
        async with running(made, files):
            for receipt, store, country in (("1", "A", "DE"), ("2", "B", "ES")):
                sale = {"store": store, "country": country, "receipt": receipt, "date": "2027-03-14", "total": 10}
                made.lab.offer(sale, receipt)
            await settle()
        assert [request["reference"] for request in made.lab.requests("note")] == ["1"]
        (item,) = await made.items()
        assert "the secret `csc` is not set" in item.detail
