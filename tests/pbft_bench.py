"""One replica on a bench: a test speaks to it as any member, and sees each effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from consortium.core.codec import Malformed
from consortium.core.crypto import KeyedHash
from consortium.core.genesis import Parameters
from consortium.core.machine import (
    Broadcast,
    Decide,
    Effect,
    Event,
    Executed,
    Expired,
    Now,
    Persist,
    Received,
    Send,
    Stable,
    Started,
)
from consortium.core.membership import Epochs
from consortium.core.messages import Certificate, Message, Signed
from consortium.core.protocol import ReplicaContext
from consortium.core.transaction import batch_digest, encode_batch
from consortium.core.verifier import Verifier
from consortium.core.votes import PLAIN, VoteKeeping
from consortium.protocols.pbft.certificates import Change, check_view_change, orders_of, plan
from consortium.protocols.pbft.messages import (
    Claim,
    Commit,
    NewView,
    Prepare,
    PrePrepare,
    Recall,
    Recalled,
    Suspect,
    ViewChange,
)
from consortium.protocols.pbft.replica import Replica
from tests.fake_pool import FakePool
from tests.pbft_network import CHAIN, PARAMETERS, WALL_US, Sealed, codec, epoch_of, secret

E = TypeVar("E")


class Bench:
    """`out` gathers all effects; broadcasts are looped back as a host does; decisions are executed at once."""

    def __init__(
        self,
        n: int = 4,
        me: str = "n1",
        records: Sequence[bytes] = (),
        parameters: Parameters = PARAMETERS,
        head: int = 0,
        stable: int = 0,
        is_recalled: bool = True,
        observers: Sequence[str] = (),
        keeping: VoteKeeping = PLAIN,
        is_log_lost: bool = False,
    ) -> None:
        self.me = me
        self.epochs = Epochs([epoch_of(n, observers)])
        self.epoch = self.epochs.newest
        self.verifier = Verifier(codec(), KeyedHash())
        self.pool = FakePool(4)
        self.time_us = 1_000
        self.out: list[Effect] = []
        self.records: list[tuple[bytes, int | None]] = [(record, None) for record in records]
        seal = self.seal(stable) if stable else None
        context = ReplicaContext(
            me, CHAIN, self.epochs, parameters, self.pool, self.verifier, head, stable, seal, self.check_seal
        )
        self.replica = keeping.around(Replica(context._replace(keeping=keeping)))
        self.do(Started(tuple(records), b"" if is_log_lost else None))
        if is_recalled:
            self.recall()

    @property
    def now(self) -> Now:
        return Now(self.time_us, WALL_US + self.time_us)

    @property
    def others(self) -> list[str]:
        return [name for name in self.epoch.validators if name != self.me]

    # --- speaking -----------------------------------------------------------------------------------------------

    def sign(self, name: str, message: Message) -> Signed:
        body = self.verifier.codec.statement(0, message)
        return Signed(name, body, KeyedHash().sign(secret(name), body))

    def received(self, name: str, message: Message, attachment: bytes = b"") -> Received:
        return Received(name, message, self.sign(name, message), 0, attachment)

    def hear(self, name: str, message: Message, attachment: bytes = b"") -> list[Effect]:
        return self.do(self.received(name, message, attachment))

    def suspected(self, view: int, *names: str) -> list[Effect]:
        """Those members say that they suspect the leader of this view."""
        return [effect for name in names for effect in self.hear(name, Suspect(view))]

    def do(self, event: Event) -> list[Effect]:
        events: list[Any] = [event]
        effects: list[Effect] = []
        while events:
            for effect in self.replica.step(self.now, events.pop(0)):
                effects.append(effect)
                if isinstance(effect, Broadcast):
                    events.append(self.received(self.me, effect.message, effect.attachment))
                elif isinstance(effect, Decide):
                    events.append(Executed(effect.height, b"h" * 32, self.epoch))
                    if effect.batch:
                        self.pool.execute(effect.batch)
                elif isinstance(effect, Persist):
                    self.records.append((effect.record, effect.height))
        self.out += effects
        return effects

    def recall(self) -> list[Effect]:
        effects: list[Effect] = []
        nonces = [message.nonce for message in self.said(Recall)]
        for name in self.others[: self.epoch.quorum - 1]:
            effects += self.hear(name, Recalled(self.me, nonces[-1], (), None, None))
        return effects

    def expire(self, *timer: str, after_us: int = 0) -> list[Effect]:
        self.time_us += after_us
        return self.do(Expired(("pbft", *timer)))

    def stabilise(self, height: int) -> list[Effect]:
        return self.do(Stable(height, self.seal(height)))

    # --- making -------------------------------------------------------------------------------------------------

    def batch(self, *bundles: bytes) -> tuple[bytes, bytes]:
        raw = encode_batch(self.now.wall_us, bundles or (b"bundle",))
        return raw, batch_digest(raw)

    def certificate(self, message: Message, names: Sequence[str]) -> Certificate:
        signed = [self.sign(name, message) for name in sorted(names)]
        return Certificate(signed[0].body, tuple((each.sender, each.signature) for each in signed))

    def seal(self, height: int) -> Certificate:
        return self.certificate(Sealed(height), self.epoch.validators[: self.epoch.quorum])

    def check_seal(self, certificate: Certificate) -> int:
        message = self.verifier.check_certificate(certificate, self.epoch, self.epoch.quorum)
        if not isinstance(message, Sealed):
            raise Malformed("not a seal")
        return message.height

    def prepared(self, view: int, height: int, digest: bytes) -> Claim:
        leader = self.epoch.leader(view)
        voters = [name for name in self.epoch.validators if name != leader][: self.epoch.quorum - 1]
        order = self.sign(leader, PrePrepare(view, height, digest))
        return Claim(order, self.certificate(Prepare(view, height, digest), voters))

    def committed(self, view: int, height: int, digest: bytes) -> Certificate:
        return self.certificate(Commit(view, height, digest), self.epoch.validators[-self.epoch.quorum :])

    def view_change(self, view: int, *claims: Claim, stable: int = 0) -> ViewChange:
        return ViewChange(view, stable, self.seal(stable) if stable else None, tuple(claims))

    def new_view(self, view: int, changes: dict[str, ViewChange]) -> NewView:
        signed = [self.sign(name, changes[name]) for name in sorted(changes)]
        valid = [self.change(each, changes[each.sender]) for each in signed]
        return NewView(view, tuple(signed), orders_of(plan(valid)))

    def change(self, signed: Signed, message: ViewChange) -> Change:
        return check_view_change(signed, message, self.epoch, self.epochs, self.verifier, self.check_seal, 16)

    # --- looking ------------------------------------------------------------------------------------------------

    def said(self, kind: type[E], effects: Sequence[Effect] | None = None) -> list[E]:
        """Messages of this kind among broadcasts and sends."""
        found = self.out if effects is None else effects
        messages = [effect.message for effect in found if isinstance(effect, Broadcast | Send)]
        return [message for message in messages if isinstance(message, kind)]

    def noted(self, kind: str, effects: Sequence[Effect] | None = None) -> list[dict[str, Any]]:
        found: Any = self.out if effects is None else effects
        return [effect.fields for effect in found if getattr(effect, "kind", None) == kind]

    def whys(self) -> list[str]:
        return [fields["why"] for fields in self.noted("rejected")]

    def effects(self, kind: type[E]) -> list[E]:
        return [effect for effect in self.out if isinstance(effect, kind)]
