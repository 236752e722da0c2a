"""Region packs: which of them apply together, and which overlays of them count on which business days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from engine.config.loaded import Loaded, Project
from engine.config.models.regions import OverlayDoc, PackDoc

LAYERS = ("company", "country", "state", "brand", "store_group")  # weakest first
Overlay = Loaded[OverlayDoc]


@dataclass(frozen=True)
class Pack:
    """A region. `wants`: the values of the layers an event must have."""

    code: str
    layer: str
    wants: Mapping[str, str]
    residency: str
    loaded: Loaded[PackDoc]

    @property
    def rank(self) -> tuple[int, str]:
        """Weakest first."""
        return LAYERS.index(self.layer), self.code

    def fits(self, values: Mapping[str, str | None]) -> bool:
        """True when an event with these values belongs to it."""
        return all(values.get(layer) == wanted for layer, wanted in self.wants.items())

    def excludes(self, other: Pack) -> bool:
        """True when no event belongs to both."""
        return any(other.wants.get(layer, wanted) != wanted for layer, wanted in self.wants.items())


@dataclass(frozen=True)
class Days:
    """Overlays that count from `since` up to and including `until`, weakest first; an empty date is open."""

    since: str
    until: str
    overlays: tuple[Overlay, ...]


def packs_of(project: Project) -> list[Pack]:
    """Every pack, weakest first."""
    made = [
        Pack(
            name,
            loaded.model.layer,
            {layer: value for layer in LAYERS if (value := getattr(loaded.model.for_, layer)) is not None},
            loaded.model.residency or "",
            loaded,
        )
        for name, loaded in project.packs.items()
    ]
    return sorted(made, key=lambda pack: pack.rank)


def combinations(packs: Sequence[Pack]) -> list[tuple[Pack, ...]]:
    """Every set of packs that some event may belong to, and no set twice; the empty one first."""
    found: dict[tuple[str, ...], tuple[Pack, ...]] = {}
    for values in _values(packs, {}, LAYERS):
        together = tuple(pack for pack in packs if pack.fits(values))
        found.setdefault(tuple(pack.code for pack in together), together)
    return sorted(found.values(), key=lambda packs: (len(packs), [pack.rank for pack in packs]))


def _values(
    packs: Sequence[Pack], chosen: dict[str, str | None], layers: Sequence[str]
) -> Iterator[dict[str, str | None]]:
    """Values of the layers as far as they make a difference: those some pack asks for, and `another one`."""
    if not layers:
        yield chosen
        return
    layer, rest = layers[0], layers[1:]
    possible = [p for p in packs if all(chosen.get(name) == p.wants[name] for name in p.wants.keys() & chosen.keys())]
    for value in (None, *sorted({pack.wants[layer] for pack in possible if layer in pack.wants})):
        yield from _values(possible, {**chosen, layer: value}, rest)


def base_of(overlay: Overlay) -> str:
    """Name of the route an overlay is for."""
    return overlay.model.base.partition("@")[0]


def in_turn(overlays: Iterable[Overlay], packs: Mapping[str, Pack]) -> list[Overlay]:
    """The order in which overlays are applied: by layer, then by `order`, then by name."""
    return sorted(
        overlays,
        key=lambda one: (
            LAYERS.index(packs[one.region].layer),
            one.model.order or 0,
            packs[one.region].code,
            one.model.overlay,
        ),
    )


def days_of(overlays: Sequence[Overlay]) -> list[Days]:
    """The time line, cut wherever an overlay begins or ends."""
    starts = {""}
    for one in overlays:
        if (effective := one.model.effective) is not None:
            starts |= {effective.since or "", _after(effective.until) if effective.until else ""}
    line = sorted(starts)
    return [
        Days(start, _before(line[index + 1]) if index + 1 < len(line) else "", tuple(_on(overlays, start)))
        for index, start in enumerate(line)
    ]


def overlap(one: Overlay, other: Overlay) -> bool:
    """True when there is a day on which both count."""
    return any(one in days.overlays and other in days.overlays for days in days_of([one, other]))


def _on(overlays: Iterable[Overlay], day: str) -> Iterator[Overlay]:
    for one in overlays:
        effective = one.model.effective
        since = effective.since or "" if effective is not None else ""
        until = effective.until or "" if effective is not None else ""
        if since <= day and (not until or day <= until):
            yield one


def _after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
