"""From what the runtime sends to what is published: addresses, tiers, and what comes back although it should not."""

from __future__ import annotations

from collections.abc import Sequence

from engine.backends.rabbitmq.dataplane import Answer, Parcel
from engine.backends.rabbitmq.declaring import COMMAND, Declarer
from engine.backends.rabbitmq.directory import Directory, tier_entry
from engine.backends.rabbitmq.mending import Mender
from engine.backends.rabbitmq.names import Names, milliseconds
from engine.backends.rabbitmq.publisher import Publisher
from engine.ports.transport import Address, Outgoing


class Sender:
    """Sends batches. `problems` tells why some were refused, by what is missing."""

    def __init__(
        self, names: Names, declarer: Declarer, directory: Directory, publisher: Publisher, mender: Mender
    ) -> None:
        self.problems: dict[str, str] = {}
        self._names = names
        self._declarer = declarer
        self._directory = directory
        self._publisher = publisher
        self._mender = mender
        self._targets: dict[Address, tuple[str, str]] = {}

    async def send(self, batch: Sequence[Outgoing], at: int) -> list[Answer]:
        """One answer each; `at` is UTC seconds. Raises TransportBlocked when nothing was handed over."""
        answers: list[Answer] = ["unroutable"] * len(batch)
        places, parcels = [], []
        for place, outgoing in enumerate(batch):
            exchange, key = await self._delayed(outgoing) if outgoing.delay > 0 else self._target(outgoing.to)
            if exchange:
                places.append(place)
                parcels.append(Parcel(exchange, key, outgoing.headers, outgoing.body, at))
            elif key:
                answers[place] = "refused"
        given = await self._publisher.publish(parcels) if parcels else []
        if "unroutable" in given:
            given = await self._once_more([batch[place] for place in places], parcels, given)
        for place, answer in zip(places, given, strict=True):
            answers[place] = answer
        return answers

    def _target(self, to: Address) -> tuple[str, str]:
        found = self._targets.get(to)
        if found is None:
            found = self._targets[to] = self._names.target(to)
        return found

    async def _delayed(self, outgoing: Outgoing) -> tuple[str, str]:
        """Exchange and key of the tier; no exchange when there is nothing behind it, a key alone when no tier is."""
        to = outgoing.to
        if not self._known(to):
            return "", ""
        delay = await self._declarer.tier(to, milliseconds(outgoing.delay))
        if not delay:
            self.problems["tiers"] = f"no queue holds {to.kind} `{to.name}` for {outgoing.delay:g} s; {COMMAND}"
            return "", "none"
        if to.kind != "event" and delay not in self._directory.tiers.get(to, ()):
            await self._directory.record([tier_entry(to, delay)])
        return self._names.retry, self._names.tier(to, delay)

    def _known(self, to: Address) -> bool:
        if to.kind == "event":
            return bool(self._directory.routes.get(to.name))
        return to in self._directory.tiers

    async def _once_more(
        self, batch: Sequence[Outgoing], parcels: Sequence[Parcel], answers: list[Answer]
    ) -> list[Answer]:
        """What came back although its queue was declared: it or a binding was taken away. Made again, if ours."""
        lost = [n for n, answer in enumerate(answers) if answer == "unroutable" and self._known(batch[n].to)]
        if not lost:
            return answers
        if self._declarer.mode == "manage":
            again = await self._made_again([batch[n] for n in lost], [parcels[n] for n in lost])
        else:
            names = ", ".join(sorted({f"{batch[n].to.kind} `{batch[n].to.name}`" for n in lost}))
            self.problems["queues"] = f"nothing takes what is sent to {names}; {COMMAND}"
            again = ["refused"] * len(lost)
        for n, answer in zip(lost, again, strict=True):
            answers[n] = answer
        return answers

    async def _made_again(self, batch: Sequence[Outgoing], parcels: Sequence[Parcel]) -> list[Answer]:
        for to in {outgoing.to for outgoing in batch}:
            await self._mender.address(to)
        for outgoing in batch:
            if outgoing.delay > 0:
                await self._delayed(outgoing)
        answers = await self._publisher.publish(parcels)
        return ["refused" if answer == "unroutable" else answer for answer in answers]
