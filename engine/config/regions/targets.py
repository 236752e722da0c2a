"""What an overlay says it changes, and what is said when there is no such thing or it must not be changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from engine.config.models.regions import OverlayDoc
from engine.config.nearest import did_you_mean, nearest
from engine.config.nodes import Path
from engine.config.regions.packs import Overlay, Pack, base_of, overlap
from engine.core.findings import Finding

Target = tuple[str, ...]


def targets_of(doc: OverlayDoc) -> Iterator[tuple[Target, Path]]:
    """Everything an overlay changes, with the place of its name."""
    for word in ("set", "connect", "fill"):
        for name in getattr(doc, word):
            yield (word, name), (word, name)
    for mapping, slots in doc.fill_mapping.items():
        for slot, fields in slots.items():
            for field in fields:
                yield ("fill_mapping", mapping, slot, field), ("fill_mapping", mapping, slot, field)
    for index, inserted in enumerate(doc.insert):
        word = "before" if inserted.before else "after"
        yield ("insert", word, inserted.before or inserted.after or ""), ("insert", index, word)
    for index, disabled in enumerate(doc.disable):
        yield ("disable", disabled.id), ("disable", index, "id")


def conflicts(overlays: Collection[Overlay], packs: Mapping[str, Pack]) -> Iterator[Finding]:
    """Two overlays of one layer that change the same thing on the same day, without an `order` between them."""
    alike: dict[tuple[str, str], list[Overlay]] = {}
    for one in sorted(overlays, key=lambda one: one.path):
        known = alike.setdefault((base_of(one), packs[one.region].layer), [])
        known.append(one)
        theirs = dict(targets_of(one.model))
        for other in known[:-1]:
            if packs[one.region].excludes(packs[other.region]) or not overlap(one, other):
                continue
            for target, path in targets_of(other.model):
                if target in theirs and target[0] != "disable" and not _ordered(one, other, target):
                    mark = one.document.marks.key(theirs[target])
                    text = f"`{one.model.overlay}` and `{other.model.overlay}` both change {told(target)}"
                    advice = "write `order: 1` in one and `order: 2` in the other: the higher one comes later"
                    if target[0] == "fill_mapping":
                        advice = "a field is filled once: give one of them another name"
                    yield Finding("TF6014", text, mark, advice, also=(other.document.marks.key(path),))


def _ordered(one: Overlay, other: Overlay, target: Target) -> bool:
    orders = {one.model.order, other.model.order}
    return len(orders) == 2 and None not in orders and target[0] != "fill_mapping"


def told(target: Target) -> str:
    """A target in words."""
    word, *names = target
    shown = {"set": "the parameter", "connect": "the connection of", "fill": "the slot", "insert": "the place"}
    if word == "fill_mapping":
        return f"the field `{names[2]}` of mapping `{names[0]}`"
    return f"{shown.get(word, word)} `{' '.join(names)}`"


def no_such(overlay: Overlay, path: Path, what: str, name: str, known: Collection[str], *, key: bool) -> Finding:
    """There is nothing of this name in the route as it is when the overlay comes to it."""
    names = sorted(set(known))
    near = nearest(name, names)
    advice = did_you_mean(near) or (f"known: {', '.join(names[:12])}" if names else f"the route has no {what} at all")
    marks = overlay.document.marks
    mark = marks.key(path) if key else marks.value(path)
    return Finding("TF3008", f"there is no {what} `{name}`", mark, advice, near[0] if near else "")


def version_fits(version: str, wanted: str) -> bool:
    """`2.3.0` fits `^2`, `^2.1`, not `^2.4` and not `^3`."""
    have = [int(part) for part in version.split(".")]
    want = [int(part) for part in wanted.removeprefix("^").split(".")]
    return have[0] == want[0] and have >= want + [0] * (len(have) - len(want))
