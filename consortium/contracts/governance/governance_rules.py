"""What a change of members must keep to: keys that are sound and nobody's, enough validators. The rule of names and
keys itself is that of the genesis, too: core/identity.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consortium.core import registry
from consortium.core.codec import encode
from consortium.core.contract import Refused, StateReader
from consortium.core.crypto import SUITES
from consortium.core.genesis import ONLY_RAISED, TUNABLE
from consortium.core.identity import Fault, keys_fault
from consortium.core.membership import Member, Purpose
from consortium.core.quorum import faults_max

ADMIT, APPOINT, REKEY, REMOVE, TUNE = "admit", "appoint", "rekey", "remove", "tune"
MEMBERS_MAX = 256
VALIDATORS_MIN = 4  # the fewest that survive one traitor


def future_members(state: StateReader) -> tuple[Member, ...]:
    """Those of the newest epoch, with the changes that wait."""
    newest = registry.newest_epoch(state)
    if newest is None:
        raise Refused("no-registry", "this chain has no registry of members")
    return registry.apply_changes(newest.members, registry.pending_changes(state))


def sorted_keys(keys: Mapping[Purpose, bytes]) -> dict[Purpose, bytes]:
    return dict(sorted(keys.items()))


def check_fit(fault: Fault | None) -> None:
    """Refuses what a rule of `core.identity` found wrong, with its code."""
    if fault is not None:
        raise Refused(fault.code, fault.sentence)


def check_fresh_keys(state: StateReader, keys: Mapping[Purpose, bytes]) -> None:
    """Refuses `key-missing`, `key-weak`, `key-used`: each is a sound key that no member has or ever had, for any
    purpose. A voting key that was used before could be shown to have voted before."""
    if not keys:
        raise Refused("key-missing", "no key is given")
    rules = state.get(registry.RULES, registry.ONLY)
    if rules is None:
        raise Refused("no-registry", "this chain has no registry of members")
    check_fit(keys_fault(keys, SUITES[rules.suite](), _used_keys(state)))


def _used_keys(state: StateReader) -> set[bytes]:
    used: set[bytes] = set()
    for _, epoch in state.range(registry.EPOCHS, "", "~"):
        used.update(key for member in epoch.members for key in member.keys.values())
    for change in registry.pending_changes(state):
        used.update(change.member.keys.values() if change.member else ())
    return used


def check_tuning(state: StateReader, tuning: Mapping[str, int]) -> None:
    """Refuses `bad-tuning`, `no-change`, `only-raised`: parameters that no vote may change, or not to this."""
    if not tuning:
        raise Refused("bad-tuning", f"no parameter is given; members may tune {', '.join(TUNABLE)}")
    before = registry.future_tuning(state)
    for name, value in sorted(tuning.items()):
        if name not in TUNABLE:
            raise Refused("bad-tuning", f"a name is given that cannot be tuned; members may tune {', '.join(TUNABLE)}")
        least, most = TUNABLE[name]
        if not least <= value <= most:
            raise Refused("bad-tuning", f"{name} is {value}; it lies within {least} and {most}")
        if name in ONLY_RAISED and value < before.get(name, 0):
            raise Refused("only-raised", f"{name} is {before[name]} and may only be raised: signed bundles must fit")
    if all(before.get(name) == value for name, value in tuning.items()):
        raise Refused("no-change", "the parameters are these already, or will be")


def check_strength(members: Sequence[Member], change: registry.Change, lowers_f: bool) -> None:
    """Refuses `too-few-validators`, `fewer-faults`, `too-many-members`: what the change would leave."""
    after = registry.apply_changes(members, (change,))
    if len(after) > MEMBERS_MAX:
        raise Refused("too-many-members", f"a consortium has at most {MEMBERS_MAX} members")
    before_n, after_n = (sum(member.kind == "validator" for member in each) for each in (members, after))
    if after_n < before_n and after_n < VALIDATORS_MIN:
        raise Refused(
            "too-few-validators",
            f"{after_n} validators would be left; it takes {VALIDATORS_MIN} to survive one traitor: admit others first",
        )
    if faults_max(max(1, after_n)) < faults_max(before_n) and not lowers_f:
        raise Refused(
            "fewer-faults",
            f"{after_n} validators survive {faults_max(after_n)} traitors, {before_n} survive {faults_max(before_n)}: "
            "admit another first, or say lowers_f",
        )


def recovery_statement(chain: bytes, suite: str, name: str, vote_key: bytes) -> bytes:
    """The bytes that a member's recovery key signs: it gives this member this voting key, on this chain."""
    return encode(("consortium recovery", 1, chain, suite, name, vote_key))


def check_recovery(member: Member, chain: bytes, suite: str, vote_key: bytes, signature: bytes) -> None:
    """Refuses `no-recovery-key`, `bad-recovery`."""
    key = member.keys.get("recover")
    if key is None:
        raise Refused("no-recovery-key", f"{member.name} has registered no recovery key: the others must re-key it")
    if not SUITES[suite]().verify(key, recovery_statement(chain, suite, member.name, vote_key), signature):
        raise Refused("bad-recovery", f"the signature is not that of the recovery key of {member.name}")
