"""Revisions as people see them: what would change, have it changed, what was, and back to it."""

from __future__ import annotations

from typing import Any

from engine.compile.diff import RouteSetDiff, diff, other_places
from engine.compile.partial import NotTheSame, as_recorded
from engine.compile.plan import RouteSet
from engine.compile.risks import Risk, accepted_text, meant
from engine.core.clock import iso
from engine.core.errors import Permanent
from engine.ports.store.revisions import Revision, RevisionGet, RevisionList
from engine.runtime.cell import Cell
from engine.runtime.people.decided import events
from engine.runtime.people.replay import Who
from engine.runtime.plans import Plans
from engine.runtime.reload import record
from engine.runtime.reload.accepting import with_acceptances
from engine.runtime.reload.leader import Applied, Leader
from engine.runtime.reload.leading import Leading
from engine.runtime.reload.member import Member
from engine.runtime.reload.mending import Mending
from engine.runtime.reload.probation import Handled, Probation
from engine.runtime.reload.processes import last_error, live, standing_of
from engine.runtime.reload.staging import Problem
from engine.runtime.reload.texts import file_changes, tables_with_files
from engine.runtime.reload.wanted import Build, Project, Wanted
from engine.runtime.reload.watching import Watching
from engine.runtime.supervisor import Supervisor

Answer = dict[str, Any]
PARTS = ("reload", "reload-mending", "reload-watch", "probation")


class Reload:
    """The verbs. On the Store of an engine that does not run, what is active is run by the next start.

    Refusals are Permanent failures.
    """

    def __init__(
        self,
        cell: Cell,
        plans: Plans,
        project: Project,
        build: Build,
        member: Member,
        handled: Handled,
    ) -> None:
        self._cell = cell
        self._plans = plans
        self._project = project
        self._build = build
        self._member = member
        self._works = False
        leading = Leading(cell)
        self._leader = Leader(cell, leading, member.nudge, lambda: self._works)
        self._mending = Mending(cell, leading, member)
        self._watching = Watching(cell, plans, project, self._change, self._in_the_way)
        self._probation = Probation(cell, plans, self._leader, handled)
        member.swapped = self._probation.begin

    def start(self, supervisor: Supervisor) -> None:
        """Follow the others, watch the files, and look after what is new."""
        self._works = True
        supervisor.start("reload", self._member.run)
        supervisor.start("reload-mending", self._mending.run)
        supervisor.start("probation", self._probation.run)
        if self._project.reader is not None and self._project.watch:
            supervisor.start("reload-watch", self._watching.run)

    async def stop(self, supervisor: Supervisor) -> None:
        """Change nothing more."""
        self._works = False
        for name in reversed(PARTS):
            part = supervisor.part(name)
            if part is not None:
                await supervisor.finish(part, 0.0)

    @property
    def runs(self) -> str:
        """The revision this process runs in all its parts."""
        return self._member.runs

    @property
    def proving(self) -> Answer:
        """What this process counted of routes that changed, for the other ones."""
        return self._probation.told()

    @property
    def last_error(self) -> Answer | None:
        """The last edit that was not taken: when, and why line by line. None once one was."""
        return self._watching.last_error

    # --- looking -----------------------------------------------------------------------------------------------------

    async def plan(self, wanted: Wanted) -> Answer:
        """What applying it would change, and what is risky about it. Raises Permanent `has-errors`."""
        before = await self._active()
        found = diff(before, await self._compiled(wanted))
        waiting = await self._waiting(found)
        return {"from": before.digest, "to": wanted.digest, **found.shown(), "waiting": waiting}

    async def history(self, limit: int = 50) -> Answer:
        """Revisions, newest first, each with what became of it, oldest first, and the risks accepted with it."""
        known = await self._cell.store.apply(RevisionList(limit))
        told = await events(self._cell, [one.id for one in known])
        return {"revisions": [{**_shown(one), "events": told[one.id]} for one in known]}

    async def compare(self, before: str, after: str) -> Answer:
        """What changed between two revisions, named by number or by the beginning of their id: in words, who accepted
        its risks, and the text of the files.
        """
        old, new = await self._found(before), await self._found(after)
        was, now = await self._kept(old), await self._kept(new)
        rows = {one.file for known in (was, now) for one in known.tables.values()}
        texts = [{**one, "table": one["file"] in rows} for one in file_changes(was.files, now.files)]
        shown = await with_acceptances(self._cell, diff(was, now).shown(), old, new)
        return {"from": old.id, "to": new.id, **shown, "files": texts}

    async def standing(self) -> Answer:
        """The revision that is wanted, what each process says of it, and the last edit that was not taken."""
        now = await record.standing(self._cell)
        wanted = now.staged or now.active
        own = {"revision": self._plans.revision, "last_error": self.last_error}
        facts = await live(self._cell, own if self._works else None)
        return {
            "wanted": _shown(wanted) if wanted is not None else None,
            "active": _shown(now.active) if now.active is not None else None,
            "processes": await standing_of(self._cell, wanted, facts),
            "last_error": last_error(facts),
            "probation": self._probation.shown(),
            "retiring": [plan.route for plan in self._plans.retiring()],
        }

    async def files(self) -> Answer:
        """Whether the project's files are what runs, and what is known to keep them from it. Raises Permanent `no-project`.

        differ    they give another revision than the active one, or none
        errors    why they give none, line by line
        refused   why what they give was not taken, or was taken back
        watched   a change of them is applied by itself; null: no engine runs in this process
        """
        wanted, active = await self.read(), (await record.standing(self._cell)).active
        differ = active is not None and wanted.digest != active.id
        known = await self._cell.store.apply(RevisionGet(wanted.digest)) if differ and wanted.digest else None
        return {
            "differ": differ,
            "revision": wanted.digest,
            "errors": list(wanted.errors),
            "refused": known.problem if known is not None and known.state == "rejected" else "",
            "watched": self._project.reader is not None and self._project.watch if self._works else None,
        }

    # --- deciding ----------------------------------------------------------------------------------------------------

    async def apply(self, wanted: Wanted, actor: str, reason: str, accept: tuple[str, ...] = ()) -> Answer:
        """Have it run everywhere, or nowhere.

        accept   names of risks that are meant. Raises Permanent `has-errors`, `risky`, `tests-fail`, `busy`.
        """
        return _told(await self._change(wanted, Who(actor, reason), accept))

    async def rollback(self, revision: str, actor: str, reason: str) -> Answer:
        """Apply a revision that was kept: what is risky about that was accepted when it was made. The one that ran is
        not taken again by itself.

        tables   those whose rows are read from files: no revision holds them
        """
        found = await self._found(revision)
        whole = await self._cell.store.apply(RevisionGet(found.id))
        if whole is None or not whole.files:
            raise Permanent("not-kept", f"the files of revision {found.number} are not kept any more")
        left = (await record.standing(self._cell)).active
        applied = await self._leader.apply(await self._again(whole), Who(actor, reason))
        if applied.state == "active" and left is not None:
            await record.take_back(self._cell, left, found.id, Who(actor, reason))
        return {**_told(applied), "tables": tables_with_files(whole.files)}

    async def read(self) -> Wanted:
        """The project's files as they are now. Raises Permanent `no-project`."""
        return await self._watching.now()

    async def _change(self, wanted: Wanted, who: Who, accept: tuple[str, ...] = ()) -> Applied:
        before = await self._active()
        routeset = await self._compiled(wanted)
        found = diff(before, routeset)
        refused = [risk for risk in found.risks if risk.refused and risk.name not in accept]
        if refused:
            names = " ".join(sorted({risk.name for risk in refused}))
            text = "; ".join(risk.text for risk in refused)
            raise Permanent("risky", f"{text}. If it is meant, accept it by name: {names}{_in_the_file(refused)}")
        await self._tested(wanted, before, routeset)
        self._member.remember(routeset)
        accepted = meant(found.risks, accept)
        said = [f"{risk.route} accepts {risk.name}: {risk.because}" for risk in accepted if risk.because]
        reason = "; ".join((who.reason, *said))
        return await self._leader.apply(wanted, Who(who.actor, reason), accepted_text(accepted))

    async def _in_the_way(self, wanted: Wanted) -> list[Problem]:
        return await self._member.problems(Revision(wanted.digest, wanted.plans, wanted.files))

    async def _tested(self, wanted: Wanted, before: RouteSet, after: RouteSet) -> None:
        """Tests of what is new, where the route wants them run: on the base and in each scope that changed."""
        changed = {route: places for route, places in other_places(before, after).items() if after.plans[route].tested}
        failures = await self._project.test(wanted.files, changed) if changed else []
        if failures:
            raise Permanent("tests-fail", "; ".join(failures))

    # --- what is meant ------------------------------------------------------------------------------------------------

    async def _active(self) -> RouteSet:
        """What all run, or will when they start."""
        active = (await record.standing(self._cell)).active
        if active is None or active.id == self._plans.revision:
            return self._plans.routeset
        return await self._kept(active)

    async def _compiled(self, wanted: Wanted) -> RouteSet:
        if wanted.errors:
            raise Permanent("has-errors", "; ".join(wanted.errors))
        try:
            return await self._build(Revision(wanted.digest, wanted.plans, wanted.files), self._plans.routeset)
        except ValueError as error:
            raise Permanent("has-errors", str(error)) from error

    async def _kept(self, revision: Revision) -> RouteSet:
        whole = await self._cell.store.apply(RevisionGet(revision.id))
        if whole is None or not whole.files:
            raise Permanent("not-kept", f"the files of revision {revision.number} are not kept any more")
        try:
            return await self._build(whole, self._plans.routeset)
        except NotTheSame as other:  # plugins or secrets are others by now; it can be looked at all the same
            return as_recorded(other.given, whole.id, whole.plans)

    async def _again(self, kept: Revision) -> Wanted:
        """A kept revision as it compiles now: a secret may have another version since. Raises Permanent `has-errors`."""
        try:
            self._member.remember(await self._build(kept, self._plans.routeset))
        except NotTheSame as other:
            lost = sorted({name.partition(" ")[0] for name in kept.plans} - other.given.plans.keys())
            if lost:
                text = f"these routes of revision {kept.number} do not compile any more: {', '.join(lost)}"
                raise Permanent("has-errors", text) from None
            return Wanted.of(other.given)
        return Wanted(kept.files, kept.id, kept.plans)

    async def _found(self, named: str) -> Revision:
        known = await self._cell.store.apply(RevisionList(1_000_000))
        found = [one for one in known if str(one.number) == named or (len(named) >= 4 and one.id.startswith(named))]
        if len(found) != 1:
            what = "several revisions begin so" if found else "there is no such revision"
            raise Permanent("no-such-revision", f"`{named}`: {what}; see `tillflow history`")
        return found[0]

    async def _waiting(self, found: RouteSetDiff) -> dict[str, int]:
        """Events in the queues of routes that would go."""
        depths = await self._cell.transport.depths()
        counts = {address.name: depth for address, depth in depths.items() if address.kind == "route"}
        gone = [change.route for change in found.changes if change.kind == "removed"] + [
            change.was for change in found.changes if change.was
        ]
        return {
            route: counts[route].ready + counts[route].delayed + counts[route].unacked
            for route in gone
            if route in counts
        }


def _in_the_file(refused: list[Risk]) -> str:
    """How a file says that these are meant."""
    entries = ", ".join(f"{{risk: {name}, because: ..}}" for name in sorted({risk.name for risk in refused}))
    return f" (`tillflow apply --accept ..`), or in the file: `reload: {{accept: [{entries}]}}`"


def _told(applied: Applied) -> Answer:
    return {
        "revision": applied.id,
        "state": applied.state,
        "problems": [{"worker": worker, "why": why} for worker, why in sorted(applied.problems.items())],
        "behind": list(applied.behind),
    }


def _shown(revision: Revision) -> Answer:
    return {
        "revision": revision.id,
        "number": revision.number,
        "state": revision.state,
        "author": revision.author,
        "reason": revision.reason,
        "at": iso(revision.at),
        "routes": len({name.partition(" ")[0] for name in revision.plans}),
        "problem": revision.problem,
    }
