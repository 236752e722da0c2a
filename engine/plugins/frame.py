"""The Frame: one event on its way through the steps of one segment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from engine.core.errors import Permanent
from engine.core.event import Event
from engine.core.outcome import Filtered, Note, Output
from engine.expr.env import Env

if TYPE_CHECKING:
    from engine.core.clock import Clock
    from engine.plugins.contracts import CallRequest
    from engine.ports.blobs import Blobs


class ChainState(Protocol):
    """Durable chained state under a lock, keyed by event id: what was recorded for this event comes back as it was."""

    value: Any
    recorded: Any

    def advance(self, value: Any, result: Any) -> None:
        """The chain's next value, and the result recorded for this event."""
        ...


class StepContext(Protocol):
    """What a step that waits may reach. Small and closed."""

    clock: Clock
    blobs: Blobs

    async def call(self, request: CallRequest) -> Any:
        """Ask an outside system through a connection: limits, breaker, retries in place, recorded effects."""
        ...

    async def throttle(self, name: str, rate: float, per: float) -> None:
        """Wait for a turn under a named rate shared by all processes."""
        ...

    def state(self, key: str, event_id: str) -> Any:
        """Async context manager giving a ChainState; what was advanced is durable when it leaves without an error."""
        ...


# step id, data before, data after (or the signal), for dry-run and coverage
Observer = Callable[[str, Any, Any], None]


class Frame:
    """Working state of one event in one segment.

    data        current document. Steps replace it or parts of it (`put`), they never change it in place
    schema      name of the schema `data` follows now, `name@n`, or empty; `meta('schema')` in `env` reads the same
    shape       not here: shapes are a matter of compile time
    output_key  split keys so far, joined by `|`
    env         what expressions reach
    context     what waiting steps reach; None in pure runs
    taps        outputs of wire taps
    notes       what happened on the way, for the journal
    caught      what could not be asked when the event was decided before, by `run_of`; None: it is decided now
    """

    __slots__ = (
        "_runs", "_schema", "caught", "context", "data", "env", "event", "notes", "observer", "output_key", "taps"
    )  # fmt: skip

    def __init__(
        self,
        event: Event,
        data: Any,
        schema: str,
        env: Env,
        context: StepContext | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.event = event
        self.data = data
        self._schema = schema
        self.env = env
        self.context = context
        self.observer = observer
        self.output_key = ""
        self.taps: list[Output] = []
        self.notes: list[Note] = []
        self.caught: Mapping[str, Any] | None = None
        self._runs: dict[str, int] | None = None

    @property
    def schema(self) -> str:
        """Name of the schema `data` follows now, `name@n`, or empty; setting it changes what `meta('schema')` reads."""
        return self._schema

    @schema.setter
    def schema(self, name: str) -> None:
        if name != self._schema:
            self._schema = name
            self.env = self.env.at(name)

    def child(self, data: Any, output_key: str) -> Frame:
        """A frame for one item of a split."""
        frame = Frame(self.event, data, self._schema, self.env, self.context, self.observer)
        frame.output_key = f"{self.output_key}|{output_key}" if self.output_key else output_key
        frame.taps = self.taps
        frame.notes = self.notes
        frame.caught = self.caught
        return frame

    def run_of(self, step: str) -> str:
        """A name of this run of a step, the same whenever the event is decided again: shared steps run several times."""
        if self._runs is None:
            self._runs = {}
        self._runs[step] = number = self._runs.get(step, 0) + 1
        return f"{step}#{number}|{self.output_key}"

    def mark(self) -> tuple[Any, str, int]:
        """What has to be known to come back to here."""
        return self.data, self._schema, len(self.taps)

    def back_to(self, mark: tuple[Any, str, int]) -> None:
        """Undo what was done since `mark`: data, schema and wire taps. What happened stays noted."""
        self.data, self.schema, taps = mark
        del self.taps[taps:]

    def put(self, path: Sequence[str], value: Any) -> None:
        """Set `data` at a path of names, copying only the objects along the path."""
        self.data = put(self.data, path, value)


def put(data: Any, path: Sequence[str], value: Any) -> Any:
    """A copy of `data` with `value` at `path`; objects missing on the way are made.

    Raises Permanent `not-an-object` where something else than an object is in the way: it would be lost.
    """
    if not path:
        return value
    if type(data) is not dict and data is not None and not isinstance(data, Mapping):
        raise Permanent("not-an-object", f"`{'.'.join(path)}` cannot be set inside {type(data).__name__}")
    copy: dict[str, Any] = dict(data or {})
    copy[path[0]] = put(copy.get(path[0]), path[1:], value)
    return copy


class Split:
    """A step made several frames out of one; each goes on by itself."""

    __slots__ = ("frames",)

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = frames


Signal = Filtered | Split
"""What a step answers when the event does not simply go on: it ends here, or it became several."""
