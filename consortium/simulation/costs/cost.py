"""What a host's step costs: counted from what the host really did, priced by a profile. Pure, integer nanoseconds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256

from consortium.core.crypto import KeySuite
from consortium.core.machine import Note, Output, Transmit
from consortium.core.transaction import Bundle, Bundles, Opened
from consortium.simulation.costs.profile import HostCost, SuiteCost

KIB = 1_024
VERIFIED_MAX = 200_000


class Counts:
    """What one step did. `bytes_in`: of the frame that it was given."""

    __slots__ = ("blocks", "bundles", "bytes_in", "events", "notes", "signs", "transactions", "transmits", "verifies")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.events = self.bytes_in = self.signs = self.verifies = self.bundles = 0
        self.transactions = self.blocks = self.transmits = self.notes = 0

    def add_outputs(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, Note):
                self.notes += 1
                if output.kind == "executed":
                    self.blocks += 1
                    self.transactions += output.fields["transactions"]
            elif isinstance(output, Transmit):
                self.transmits += 1


class Spent:
    """CPU of one node by cost, plain: as if nothing else ran (the names of nodes/process/costs.py)."""

    NAMES = ("verify", "hash", "decode", "execute", "store", "bus", "other")

    def __init__(self) -> None:
        self.ns = dict.fromkeys(self.NAMES, 0)
        self.cpu_ns = 0  # of all, as it was really charged
        self.transactions = 0

    def fields(self) -> dict[str, int]:
        """The fields of a `cost` note. What a real node counts as state is in execute here."""
        fields = {f"{name}_us": self.ns[name] // 1_000 for name in self.NAMES if name != "other"}
        return {**fields, "state_us": 0, "cpu_us": self.cpu_ns // 1_000, "transactions": self.transactions}


def step_cost_ns(counts: Counts, host: HostCost, suite: SuiteCost, spent: Spent) -> int:
    """The plain CPU of one step; adds it to `spent` by cost."""
    costs_ns = {
        "verify": counts.signs * suite.sign_ns + counts.verifies * suite.verify_ns,
        "hash": counts.bytes_in * host.hash_kib_ns // KIB,
        "decode": counts.bytes_in * host.decode_kib_ns // KIB,
        "execute": counts.transactions * host.execute_ns + counts.blocks * host.block_ns,
        "other": counts.events * host.event_ns
        + counts.bytes_in * host.handle_kib_ns // KIB
        + counts.bundles * host.bundle_ns
        + counts.transmits * host.transmit_ns
        + counts.notes * host.note_ns,
    }
    for name, cost_ns in costs_ns.items():
        spent.ns[name] += cost_ns
    spent.transactions += counts.transactions
    return sum(costs_ns.values())


class Verified:
    """What was verified somewhere in this simulation: each node pays for its own verifying; it is done once."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, bool] = OrderedDict()

    def verify(self, suite: KeySuite, key: bytes, statement: bytes, signature: bytes) -> bool:
        token = sha256(len(key).to_bytes(4, "big") + key + len(signature).to_bytes(4, "big") + signature + statement)
        known = self._known.get(token.digest())
        if known is None:
            known = self._known[token.digest()] = suite.verify(key, statement, signature)
            if len(self._known) > VERIFIED_MAX:
                self._known.popitem(last=False)
        return known


class CountedSuite:
    """One node's key suite: counts what is signed and verified. `verified` None: each verifies for itself."""

    def __init__(self, suite: KeySuite, counts: Counts, verified: Verified | None) -> None:
        self.name = suite.name
        self.signature_bytes = suite.signature_bytes
        self.public_key = suite.public_key
        self.is_sound_key = suite.is_sound_key
        self._suite = suite
        self._counts = counts
        self._verified = verified

    def sign(self, secret: bytes, statement: bytes) -> bytes:
        self._counts.signs += 1
        return self._suite.sign(secret, statement)

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        self._counts.verifies += 1
        if self._verified is None:
            return self._suite.verify(key, statement, signature)
        return self._verified.verify(self._suite, key, statement, signature)


class CountedBundles(Bundles):
    """Counts the bundles that a node takes apart."""

    def __init__(self, chain: bytes, suite: KeySuite, counts: Counts) -> None:
        super().__init__(chain, suite)
        self._counts = counts

    def verify(self, bundle: Bundle, raw: bytes, digest: bytes, *, is_trusted: bool = False) -> Opened:
        self._counts.bundles += 1
        return super().verify(bundle, raw, digest, is_trusted=is_trusted)
