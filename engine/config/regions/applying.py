"""A route with overlays laid over it: one after the other, each on what the one before left.

Nothing of the base is changed; what comes out is a document of its own, whose values know the file they came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.config.loaded import Loaded, Project
from engine.config.models.params import ParamDoc, rank
from engine.config.models.route import RouteDoc
from engine.config.models.step import May, StepDoc
from engine.config.nodes import Path
from engine.config.regions.mappings import filled_mapping
from engine.config.regions.packs import Overlay, Pack
from engine.config.regions.pieces import Piece
from engine.config.regions.targets import no_such, version_fits
from engine.config.regions.working import DISABLED, SLOT_STEPS, Effective, Gone, Working
from engine.core.findings import Finding, Mark


def apply(
    project: Project, base: Loaded[RouteDoc], overlays: Sequence[Overlay], packs: Mapping[str, Pack]
) -> tuple[Effective, list[Finding]]:
    """The route under these overlays, weakest first. With errors among the findings it must not be used."""
    working = Working(project, base)
    for overlay in overlays:
        _Turn(working, overlay, packs[overlay.region]).take()
    return working.ended([overlay.model.overlay for overlay in overlays]), working.findings


class _Turn:
    """One overlay's turn."""

    def __init__(self, working: Working, overlay: Overlay, pack: Pack) -> None:
        self._working = working
        self._overlay = overlay
        self._doc = overlay.model
        self._pack = pack
        self._marks = overlay.document.marks
        working.texts[overlay.path] = overlay.document.text

    def take(self) -> None:
        """Everything the overlay says; what cannot be done is a finding and is left out."""
        model = self._working.base.model
        wanted = self._doc.base.partition("@")[2]
        if not version_fits(model.version, wanted):
            text = f"`{model.route}` has version {model.version}, this overlay is for {wanted}"
            advice = "look at what changed in the route, then write the version it fits now"
            self._found("TF6013", text, self._marks.value(("base",)), advice, f"^{model.version.partition('.')[0]}")
            return
        for name, value in self._doc.set.items():
            self._set(name, value)
        for name, connection in self._doc.connect.items():
            self._connect(name, connection)
        for name, steps in self._doc.fill.items():
            self._fill(name, steps)
        for mapping, slots in self._doc.fill_mapping.items():
            self._fill_mapping(mapping, slots)
        for index in range(len(self._doc.insert)):
            self._insert(index)
        for index in range(len(self._doc.disable)):
            self._disable(index)

    # --- operations --------------------------------------------------------------------------------------------------

    def _set(self, name: str, value: Any) -> None:
        working, place = self._working, ("set", name)
        param = working.params.get(name)
        if param is None:
            self._unknown(place, "parameter", name, working.params, key=True)
            return
        if self._pack.layer not in param.overridable_by:
            who = ", ".join(param.overridable_by) or "no layer"
            text = f"`{name}` cannot be set by a {self._pack.layer}: `overridable_by` names {who}"
            self._found(
                "TF6008", text, self._marks.key(place), "ask the owner of the route", also=self._base("params", name)
            )
            return
        if wrong := param.refusal(value):
            text, also = f"this value of `{name}` is {wrong}", self._base("params", name)
            self._found("TF6010", text, self._marks.value(place), "choose a value inside the bounds", also=also)
            return
        told = f"`{name}` is {_written(value)} without this line"
        changes = bool(self._doc.legal) or not _same(param, value)
        self._judged(changes, told, self._marks.value(place), self._base("params", name, "default"))
        working.params[name] = param.model_copy(update={"default": value})
        self._replace(("params", name, "default"), place)

    def _connect(self, name: str, connection: str) -> None:
        working, place = self._working, ("connect", name)
        index = next((i for i, sink in enumerate(working.sinks) if sink.id == name), None)
        if index is None:
            self._unknown(place, "sink", name, [sink.id for sink in working.sinks], key=True)
            return
        sink = working.sinks[index]
        if self._locked(name, sink.lock, place):
            return
        wrong = self._unfit(sink.connection, connection)
        if wrong:
            also = self._base("to", index, "connection")
            advice = "name a connection of the same connector with `limits`, or `like` one that has them"
            self._found("TF6012", wrong, self._marks.value(place), advice, also=also)
        elif self._working.project.exists("connection", connection):
            told = f"`{name}` goes to `{connection}` without this line"
            also = self._base("to", index, "connection")
            changes = bool(self._doc.legal) or sink.connection != connection
            self._judged(changes, told, self._marks.value(place), also)
            working.sinks[index] = sink.model_copy(update={"connection": connection})
            self._replace(("to", index, "connection"), place)

    def _unfit(self, former: str | None, wanted: str) -> str:
        """Why a sink cannot be connected so; empty also where a finding about names says it."""
        loaded = self._working.project.connections
        if former is None:
            return "this sink goes to no connection: only one with `use` can be connected elsewhere"
        known = loaded.model.connections if loaded is not None else {}
        if former not in known or wanted not in known:
            return ""
        old, new = known[former], known[wanted]
        if old.connector != new.connector:
            return f"`{wanted}` is a connection of {new.connector}, the sink uses {old.connector}"
        seen = {wanted}
        while new.limits is None and new.like is not None and new.like in known and new.like not in seen:
            seen.add(new.like)
            new = known[new.like]
        return "" if new.limits is not None else f"`{wanted}` has no limits of its own and is `like` none that has"

    def _fill(self, name: str, steps: Sequence[StepDoc]) -> None:
        working, place = self._working, ("fill", name)
        slots = {doc.id: index for index, doc in enumerate(working.docs) if doc.type == "slot"}
        if name not in slots:
            self._unknown(place, "slot", name, slots, key=True)
            return
        index = slots[name]
        if self._locked(name, working.docs[index].lock, place):
            return
        self._judged(bool(steps), f"no step fills `{name}` here", self._marks.key(place))
        at = ("steps", index)
        slot = working.whole.at(at).opened()
        assert isinstance(slot.inner, dict)
        former = slot.inner.get(SLOT_STEPS)
        before = former.opened().inner if former is not None else []
        more = [Piece(self._overlay.document, (*place, position)) for position in range(len(steps))]
        assert isinstance(before, list)
        own = former or Piece(self._overlay.document, place)
        working.put((*at, SLOT_STEPS), own.with_items([*before, *more]))

    def _fill_mapping(self, name: str, slots: Mapping[str, Mapping[str, Any]]) -> None:
        working, place = self._working, ("fill_mapping", name)
        loaded = working.project.mappings.get(name)
        if not working.project.exists("mapping", name):
            self._unknown(place, "mapping", name, working.project.mappings, key=True, code="TF3002")
        elif not _is_mapped(working.base.document.data, name):
            route = working.base.model.route
            text = f"the route {route} does not use the mapping `{name}`"
            used = ", ".join(
                sorted(name for name in working.project.mappings if _is_mapped(working.base.document.data, name))
            )
            self._found("TF6017", text, self._marks.key(place), f"it uses: {used}" if used else "")
        elif loaded is not None:
            for slot, fields in slots.items():
                told = f"no field fills `{slot}` of `{name}` here"
                self._judged(bool(fields), told, self._marks.key((*place, slot)))
            whole = working.mappings.get(name) or Piece(loaded.document)
            working.mappings[name], found = filled_mapping(whole, self._overlay, name, slots)
            working.findings += found

    def _insert(self, index: int) -> None:
        working, inserted = self._working, self._doc.insert[index]
        word, name = ("before", inserted.before) if inserted.before else ("after", inserted.after or "")
        place: Path = ("insert", index, word)
        path = working.ids.get(name)
        if path is None:
            self._unknown(place, "step", name, working.ids)
            return
        if not self._may(path, name, "insert_before" if word == "before" else "insert_after", place):
            return
        parent, at = path[:-1], path[-1]
        assert isinstance(at, int)
        if word == "after":
            at += 1 + working.after.get(name, 0)
            working.after[name] = working.after.get(name, 0) + len(inserted.steps)
        more = [Piece(self._overlay.document, ("insert", index, "steps", n)) for n in range(len(inserted.steps))]
        around = working.whole.at(parent).opened()
        assert isinstance(around.inner, list)
        working.put(parent, around.with_items([*around.inner[:at], *more, *around.inner[at:]]))
        if parent == ("steps",):
            working.docs[at:at] = inserted.steps

    def _disable(self, index: int) -> None:
        working, name = self._working, self._doc.disable[index].id
        place: Path = ("disable", index, "id")
        reason = Piece(self._overlay.document, ("disable", index, "reason"))
        sinks = {sink.id: number for number, sink in enumerate(working.sinks)}
        if name in working.ids:
            path = working.ids[name]
            if self._may(path, name, "disable", place):
                self._judged_gone(name, working.removed.get(name), place)
                working.removed.setdefault(name, Gone(name, working.whole.at(path), reason))
        elif name in sinks:
            path = ("to", sinks[name])
            if not self._may(path, name, "disable", place):
                return
            self._judged_gone(name, working.disabled.get(name), place)
            if name not in working.disabled:
                working.disabled[name] = Gone(name, working.whole.at(path), reason)
                working.put((*path, DISABLED), reason, steps=False)
        else:
            self._unknown(place, "step or sink", name, [*working.ids, *sinks])

    # --- what is allowed ---------------------------------------------------------------------------------------------

    def _may(self, path: Path, name: str, what: May, place: Path) -> bool:
        """True when the base lets this be done to a step or sink; a finding otherwise."""
        target = self._working.whole.at(path)
        value = target.value
        if self._locked(name, value.get("lock") is True, place, target.mark):
            return False
        allowed = value.get("may") or []
        if what in allowed:
            return True
        text = f"`{name}` does not allow this: its `may` {'names ' + ', '.join(allowed) if allowed else 'is empty'}"
        advice = f"the owner of the route may add `may: [{what}]`"
        self._found("TF6011", text, self._marks.value(place), advice, also=(target.mark,))
        return False

    def _locked(self, name: str, lock: bool, place: Path, mark: Mark | None = None) -> bool:
        if lock:
            text = f"`{name}` is locked: no overlay changes it"
            also = (mark,) if mark is not None else ()
            self._found("TF6011", text, self._marks.value(place), "leave it as it is in the base", also=also)
        return lock

    # --- what comes of it --------------------------------------------------------------------------------------------

    def _judged(self, changes: bool, text: str, mark: Mark, also: tuple[Mark, ...] = ()) -> None:
        """Whether an operation makes a difference here. It may make none here and one in another scope or interval, so
        what is said of it is decided where all of them are known. A value that a rule under `legal` asks for is held,
        whatever the base becomes: that is a difference too.
        """
        if changes:
            self._working.moved.add(mark)
        else:
            advice = "leave it out, or write what shall be different here; what a rule asks for whatever the base becomes stays, "
            advice += "with the rule under `legal`"
            self._working.idle.append(Finding("TF6024", text, mark, advice, severity="warning", also=also))

    def _judged_gone(self, name: str, former: Gone | None, place: Path) -> None:
        also = (former.reason.mark,) if former is not None else ()
        self._judged(former is None, f"`{name}` is disabled without this line", self._marks.value(place), also)

    # --- helpers -----------------------------------------------------------------------------------------------------

    def _replace(self, path: Path, place: Path) -> None:
        """Put what stands at `place` of the overlay where something else stood."""
        whole = self._working.whole
        around = whole.at(path[:-1]).opened().inner
        absent = isinstance(around, dict) and path[-1] not in around  # a parameter without a default
        former = None if absent else whole.at(path)
        was = (replace(former, was=()), *former.was) if former is not None else ()
        self._working.put(path, Piece(self._overlay.document, place, was=was), steps=False)

    def _base(self, *path: str | int) -> tuple[Mark, ...]:
        document, there = self._working.whole.follow(path)
        return (document.marks.key(there),)

    def _unknown(
        self, path: Path, what: str, name: str, known: Any, *, key: bool = False, code: str = "TF3008"
    ) -> None:
        found = no_such(self._overlay, path, what, name, list(known), key=key)
        self._working.findings.append(replace(found, code=code))

    def _found(
        self, code: str, text: str, mark: Mark, help: str = "", suggestion: str = "", also: tuple[Mark, ...] = ()
    ) -> None:
        self._working.findings.append(Finding(code, text, mark, help, suggestion, also=also))


def _same(param: ParamDoc, value: Any) -> bool:
    """True for the value a parameter has already, also written another way: 60s and 1m."""
    if value == param.default or param.type is None or param.default is None:
        return bool(value == param.default)
    return bool(rank(param.type, value) == rank(param.type, param.default))


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_mapped(value: Any, name: str) -> bool:
    """True when a route uses a mapping."""
    if isinstance(value, dict):
        return value.get("map") == name or any(_is_mapped(item, name) for item in value.values())
    return isinstance(value, list) and any(_is_mapped(item, name) for item in value)
