"""Findings about packs and overlays as a whole, before any of them is applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.config.document import Document
from engine.config.loaded import Project
from engine.config.models.regions import LegalDoc
from engine.config.nearest import did_you_mean, nearest
from engine.config.nodes import Path
from engine.config.regions.packs import Overlay, Pack, base_of, packs_of
from engine.config.regions.targets import conflicts
from engine.core.clock import Clock, day_of
from engine.core.findings import Finding


def check_regions(project: Project) -> list[Finding]:
    """Overlays without a pack or a base, two of one name, two that collide; packs that nobody can find."""
    packs = {pack.code: pack for pack in packs_of(project)}
    findings = [*_homeless(project), *_baseless(project), *_named_twice(project), *_twins(packs)]
    findings += conflicts([one for one in project.overlays if one.region in packs], packs)
    if packs and project.scopes is None and not project.broken.get("scopes"):
        first = next(iter(packs.values())).loaded.document
        text = "there are packs, and nothing says how an event finds its country"
        findings.append(Finding("TF6018", text, first.marks.key(("pack",)), "add routes/scopes.yaml"))
    return findings


def _homeless(project: Project) -> Iterator[Finding]:
    for overlay in project.overlays:
        if overlay.region not in project.packs and overlay.region not in project.broken.get("pack", ()):
            text = f"region `{overlay.region}` has no pack: nothing says which events this is for"
            advice = f"add routes/regions/{overlay.region}/pack.yaml"
            yield Finding("TF6002", text, overlay.document.marks.key(("overlay",)), advice)


def _baseless(project: Project) -> Iterator[Finding]:
    for overlay in project.overlays:
        name = base_of(overlay)
        if project.exists("route", name):
            continue
        near = nearest(name, project.routes)
        advice = did_you_mean(near) or f"known: {', '.join(sorted(project.routes)[:12])}"
        mark = overlay.document.marks.inside(("base",), 0, len(name))
        yield Finding("TF3016", f"there is no route `{name}`", mark, advice, near[0] if near else "")


def _named_twice(project: Project) -> Iterator[Finding]:
    known: dict[str, Overlay] = {}
    for overlay in sorted(project.overlays, key=lambda one: one.path):
        first = known.setdefault(overlay.model.overlay, overlay)
        if first is not overlay:
            text = f"there is a second overlay `{overlay.model.overlay}`"
            mark, other = (one.document.marks.value(("overlay",)) for one in (overlay, first))
            yield Finding("TF6022", text, mark, "give it a name of its own", also=(other,))


def _twins(packs: Mapping[str, Pack]) -> Iterator[Finding]:
    known: dict[tuple[str, tuple[tuple[str, str], ...]], Pack] = {}
    for pack in packs.values():
        first = known.setdefault((pack.layer, tuple(sorted(pack.wants.items()))), pack)
        if first is not pack:
            text = f"`{first.code}` is for the same events of the same layer"
            mark, other = (one.loaded.document.marks.key(("for",)) for one in (pack, first))
            yield Finding("TF6019", text, mark, "put what they say into one pack", also=(other,))


def overdue(project: Project, clock: Clock) -> list[Finding]:
    """Warnings where somebody should have looked again by now."""
    day = day_of(clock.now())
    found: list[Finding] = []
    for overlay in project.overlays:
        dates = [(("review_by",), overlay.model.review_by), *_legal(overlay.model.legal)]
        found += [_late(overlay.document, path, wanted) for path, wanted in dates if wanted and wanted < day]
    for pack in project.packs.values():
        dates = _legal(pack.model.legal)
        found += [_late(pack.document, path, wanted) for path, wanted in dates if wanted and wanted < day]
    return found


def _legal(rules: Sequence[LegalDoc]) -> list[tuple[Path, str | None]]:
    return [(("legal", index, "review_by"), rule.review_by) for index, rule in enumerate(rules)]


def _late(document: Document, path: Path, wanted: str | None) -> Finding:
    text = f"this was to be looked at again by {wanted}"
    advice = "check that the rule still holds, then write the next date"
    return Finding("TF6021", text, document.marks.value(path), advice, severity="warning")
