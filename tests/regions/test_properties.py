"""What holds of any overlays: nobody changes what is another's, files have no order, and what is explained is what runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.compile.plan import RouteSet
from engine.config.project import read_project_from
from engine.config.regions.explaining import effective_in, leaves_of
from engine.core.findings import Finding, has_errors
from tests.regions.site import BASE, brand, overlay, pack, registry

REGISTRY = registry()
PACKS = {**pack("de"), **pack("es"), **pack("us"), **brand("market", "market"), **brand("city", "city")}
STEPS = (
    "{id: %s-one, set: {extensions.fiscal.a: store}}",
    "{id: %s-two, check: [{that: total > `0`, otherwise: {work_item: no}}]}",
)

fills = st.lists(st.sampled_from(STEPS), min_size=1, max_size=2, unique=True)


@st.composite
def texts(draw: st.DrawFn, code: str) -> str:
    """An overlay of a region, by luck."""
    parts = []
    if draw(st.booleans()):
        parts.append(f"set: {{way: {draw(st.sampled_from(['line', 'summary']))}}}")
    if draw(st.booleans()):
        parts.append("connect: {erp: outside-es}")
    if draw(st.booleans()):
        steps = "".join(f"    - {step % code}\n" for step in draw(fills))
        parts.append(f"fill:\n  fiscal:\n{steps}".rstrip())
    if draw(st.booleans()):
        parts.append(f"fill_mapping: {{sale-to-entry: {{more: {{{code}: store}}}}}}")
    if draw(st.booleans()):
        parts.append(
            f"insert: [{{after: training, steps: [{{id: {code}-three, set: {{extensions.local.{code}: total}}}}]}}]"
        )
    if draw(st.booleans()) or not parts:
        parts.append("disable: [{id: notes, reason: the law}]")
    if draw(st.booleans()):
        parts.append(f"effective: {{since: 20{draw(st.integers(20, 40))}-01-01}}")
    return "\n".join(parts) + "\n"


@st.composite
def regions(draw: st.DrawFn) -> dict[str, str]:
    """Overlays of some of the packs."""
    files: dict[str, str] = {}
    for code in draw(st.lists(st.sampled_from(["de", "es", "market", "city"]), unique=True, max_size=4)):
        files |= overlay(code, draw(texts(code)))
    return files


def compiled(files: Mapping[str, str]) -> tuple[RouteSet, list[Finding]]:
    project, found = read_project_from({path: text.encode() for path, text in files.items()}, {})
    routes, more = compile_project(project, REGISTRY, DictSecrets({}))
    return routes, [*found, *more]


def plans(routes: RouteSet) -> dict[tuple[Any, ...], str]:
    """Digest by route, packs and first day."""
    found: dict[tuple[Any, ...], str] = {(name, "base"): plan.digest for name, plan in routes.plans.items()}
    for name, regional in routes.regional.items():
        for ground, span in regional.spans():
            found[name, ground.packs, span.since] = span.plan.digest
    return found


@settings(max_examples=40, deadline=None)
@given(regions(), st.data())
def test_an_overlay_changes_its_own_region_only(files: dict[str, str], data: st.DataObject) -> None:
    before, _ = compiled(BASE | PACKS | files)
    code = data.draw(st.sampled_from(["de", "es", "market", "city"]))
    after, found = compiled(BASE | PACKS | files | overlay(code, data.draw(texts(code))))
    assert not has_errors(found), found
    theirs = {key: digest for key, digest in plans(before).items() if key[1] == "base" or code not in key[1]}
    now = plans(after)
    assert {key: now.get(key) for key in theirs} == theirs


@settings(max_examples=25, deadline=None)
@given(regions(), st.randoms(use_true_random=False))
def test_the_order_of_files_does_not_matter(files: dict[str, str], chance: Any) -> None:
    whole = BASE | PACKS | files
    names = list(whole)
    chance.shuffle(names)
    one, other = compiled(whole), compiled({name: whole[name] for name in names})
    assert one[0].digest == other[0].digest and plans(one[0]) == plans(other[0])
    assert one[1] == other[1]


@settings(max_examples=40, deadline=None)
@given(
    regions(), st.sampled_from(["DE", "ES", "US"]), st.sampled_from(["market", "city", "none"]), st.integers(2019, 2041)
)
def test_what_is_explained_is_what_runs(files: dict[str, str], country: str, name: str, year: int) -> None:
    whole = {path: text.encode() for path, text in (BASE | PACKS | files).items()}
    project, _ = read_project_from(whole, {})
    routes, _ = compile_project(project, REGISTRY, DictSecrets({}))
    values, day = {"country": country, "brand": name}, f"{year}-06-01"
    effective, _, found = effective_in(project, "posting", values, day)
    ground = routes.regional["posting"].at(f'{{"country":"{country}","brand":"{name}"}}').ground
    assert found == [] and ground is not None
    span = ground.on(day)
    assert span.overlays == effective.overlays or span.plan is routes.plans["posting"]
    assert span.plan.effective == effective.route.document.data
    for path, piece in effective.whole.leaves():
        assert effective.route.document.at(path) == piece.document.at(piece.path)
        assert effective.route.document.marks.value(path) == piece.mark
    assert len(leaves_of(effective)) >= len(list(effective.whole.leaves()))
