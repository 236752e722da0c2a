"""Which Plan of a route runs for an event: by its scope, and by its business day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from engine.core.errors import Permanent
from engine.core.jsonx import decode, encode
from engine.expr.env import Env
from engine.expr.jmes import Expr

if TYPE_CHECKING:
    from engine.compile.plan import Plan

UNKNOWN_SCOPE = "unknown-scope"
MOST_PLACES = 10_000  # scopes remembered; values come with events, so there is no end to them
FROM = " from "  # in the name of a span, before its first day
Values = tuple[str | None, ...]


class PlannedPack(Struct, frozen=True):
    """A region. `wants`: the value of each layer that an event must have."""

    code: str
    layer: str
    wants: Mapping[str, str]
    residency: str = ""
    mode: str = ""

    def fits(self, values: Mapping[str, str | None]) -> bool:
        """True when an event with these values belongs to it."""
        return all(values.get(layer) == wanted for layer, wanted in self.wants.items())


@dataclass(frozen=True)  # no struct, whose signature would need Plan itself, which is made of this module
class Span:
    """A Plan from `since` up to and including `until`; an empty date is open."""

    since: str
    until: str
    plan: Plan
    overlays: tuple[str, ...] = ()


class Ground(Struct, frozen=True):
    """What packs that apply together make of a route.

    packs      their codes, weakest first
    country    of its country pack; empty where there is none
    residency  the zone its data must not leave; empty: any
    values     a scope that is found here
    """

    packs: tuple[str, ...]
    country: str
    residency: str
    spans: tuple[Span, ...]
    values: Mapping[str, str] = field(default_factory=dict)

    def named(self, span: Span) -> str:
        """What one of its spans is called: `es city from 2027-01-01`."""
        return " ".join(self.packs) + (f"{FROM}{span.since}" if span.since else "")

    def on(self, day: str) -> Span:
        """What runs on a business day."""
        spans = self.spans
        if len(spans) == 1:
            return spans[0]
        for span in spans:
            if span.since <= day and (not span.until or day <= span.until):
                return span
        raise LookupError(day)  # never: spans cover all days


class Placed(Struct, frozen=True):
    """Where an event belongs.

    scope      its layers as text, which travels with everything that is made of it
    ground     None: no country pack is for it
    elsewhere  the route is one of a region, and the event is none of that region's
    """

    scope: str
    ground: Ground | None
    country: str = ""
    elsewhere: bool = False


@dataclass
class Regional:
    """One route in all scopes.

    layers   those that make a difference, weakest first; `asks` finds the value of each, None where the type has none
    home     of a route that a region brought itself: that region
    """

    route: str
    layers: tuple[str, ...]
    asks: tuple[Expr | None, ...]
    packs: tuple[PlannedPack, ...]
    grounds: Mapping[tuple[str, ...], Ground]
    home: PlannedPack | None = None
    _finders: tuple[Callable[[Any, Env], Any], ...] = field(default=(), init=False, repr=False, compare=False)
    _known: dict[Values, Placed] = field(default_factory=dict, init=False, repr=False, compare=False)
    _texts: dict[str, Placed] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._finders = tuple(_nothing if ask is None else ask.evaluate for ask in self.asks)

    def place(self, data: Any, env: Env) -> Placed:
        """Where an event belongs. Raises Failure: of the expressions, and `bad-scope` where one gives no text."""
        values = tuple([find(data, env) for find in self._finders])
        try:
            return self._known[values]
        except KeyError:
            return self._found(values)
        except TypeError:
            raise self._bad(values) from None

    def at(self, scope: str) -> Placed:
        """The same from the text that travelled. A scope from before another layer came counts as without it."""
        placed = self._texts.get(scope)
        if placed is None:
            known = decode(scope.encode()) if scope else {}
            placed = self._found(tuple(known.get(layer) for layer in self.layers))
            self._texts[scope] = placed
            _shortened(self._texts)
        return placed

    def spans(self) -> Iterator[tuple[Ground, Span]]:
        """All there is."""
        for ground in self.grounds.values():
            for span in ground.spans:
                yield ground, span

    def with_plans(self, other: Callable[[Plan], Plan]) -> Regional:
        """The same with others in the place of its Plans."""
        grounds = {
            codes: structs.replace(ground, spans=tuple(replace(span, plan=other(span.plan)) for span in ground.spans))
            for codes, ground in self.grounds.items()
        }
        return replace(self, grounds=grounds)

    def _found(self, values: Values) -> Placed:
        if any(value is not None and not isinstance(value, str) for value in values):
            raise self._bad(values)
        named = dict(zip(self.layers, values, strict=True))
        together = [pack for pack in self.packs if pack.fits(named)]
        ground = self.grounds.get(tuple(pack.code for pack in together))
        if not any(pack.layer == "country" for pack in together):
            ground = None
        scope = encode({layer: value for layer, value in named.items() if value is not None}).decode()
        elsewhere = self.home is not None and not self.home.fits(named)
        placed = Placed(scope, ground, named.get("country") or "", elsewhere)
        self._known[values] = placed
        _shortened(self._known)
        return placed

    def _bad(self, values: Sequence[Any]) -> Permanent:
        layer, value = next(
            (layer, value)
            for layer, value in zip(self.layers, values, strict=True)
            if value is not None and not isinstance(value, str)
        )
        return Permanent("bad-scope", f"the {layer} of an event is text; the scope gives {type(value).__name__}")


def _nothing(data: Any, env: Env) -> None:
    """The value of a layer that the event's type knows nothing of."""


def _shortened(known: dict[Any, Placed]) -> None:
    if len(known) > MOST_PLACES:
        known.clear()


def unknown_scope(placed: Placed) -> Permanent:
    """The failure of an event that no country pack is for."""
    what = f"there is no pack for country {placed.country}" if placed.country else "the event names no country"
    text = f"{what}: which rules hold for it is not known. Add the pack, or correct the event"
    return Permanent(UNKNOWN_SCOPE, text, data={"scope": placed.scope})
