"""What a project's files say of a pack: for whom, how, by which rule, since when, and what it lays over which route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.config.loaded import Project
from engine.config.models.regions import LegalDoc
from engine.config.regions.packs import Overlay, Pack, packs_of


def described(project: Project) -> list[dict[str, Any]]:
    """Every pack as plain values, weakest layer first. `review_by` is the nearest of all days it names; empty: none."""
    return [_pack(project, pack) for pack in packs_of(project)]


def _pack(project: Project, pack: Pack) -> dict[str, Any]:
    doc = pack.loaded.model
    own = [overlay for overlay in project.overlays if overlay.region == pack.code]
    rules = [*doc.legal, *(rule for overlay in own for rule in overlay.model.legal)]
    days = [rule.review_by for rule in rules] + [overlay.model.review_by for overlay in own]
    return {
        "pack": pack.code,
        "summary": doc.summary or "",
        "layer": pack.layer,
        "for": dict(pack.wants),
        "owner": doc.owner,
        "mode": doc.mode or "",
        "residency": pack.residency,
        "review_by": min((day for day in days if day), default=""),
        "legal": _legal(doc.legal),
        "overlays": [_overlay(overlay) for overlay in own],
        "routes": sorted(name for name, loaded in project.routes.items() if loaded.region == pack.code),
        "file": pack.loaded.path,
    }


def _overlay(overlay: Overlay) -> dict[str, Any]:
    doc = overlay.model
    return {
        "overlay": doc.overlay,
        "base": doc.base,
        "since": (doc.effective and doc.effective.since) or "",
        "until": (doc.effective and doc.effective.until) or "",
        "review_by": doc.review_by or "",
        "legal": _legal(doc.legal),
        "file": overlay.path,
    }


def _legal(rules: Sequence[LegalDoc]) -> list[dict[str, str]]:
    return [{"ref": rule.ref, "review_by": rule.review_by or ""} for rule in rules]
