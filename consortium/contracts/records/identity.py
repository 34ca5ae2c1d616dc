"""Keys of pseudonyms: how a person's voice comes onto the ledger, is renewed, and is given back when it was lost.

An agent (or whoever keeps a person's key) presents a public key and proves that it has the secret; the bureau, which
knows the person, vouches for it. The person renews it by a statement of its own. A person whose key is lost gets
another by the word of the bureau and of another role. A person that renews its key meanwhile ends that attempt, and so
does the bureau, which asked for it; another role that does not agree has only to say nothing.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_ALL, BY_BUREAU, BY_FOUNDERS, HOSPITAL, REGULATOR, among
from consortium.contracts.checks import check_pseudonym
from consortium.core.contract import GENESIS, Context, Contract, Event, Operation, Refused, State, Table
from consortium.core.spoken import VOICES, Speech, Voice, check_control, suite_of


class Presented(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that waits for somebody's word, keyed "pseudonym/member": who presents it has its secret."""

    key: bytes


class Recovery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new key that waits for another role's word, keyed by pseudonym."""

    key: bytes
    proposer: str


PRESENTED: Table[Presented] = Table("identity_presented", Presented)
RECOVERIES: Table[Recovery] = Table("identity_recovery", Recovery)


class Present(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key for a pseudonym, and the proof of control (`core.spoken.prove_control`)."""

    pseudonym: str
    key: bytes
    proof: bytes


class Vouch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This key is that of this person. `agent`: the member that presented it; the genesis names none."""

    pseudonym: str
    agent: str
    key: bytes


class Decide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Agree that this key takes the place of the lost one."""

    pseudonym: str
    key: bytes


class Rotate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says to renew its key: the new one, and the proof of control over it."""

    key: bytes
    proof: bytes


ROTATE: Speech[Rotate] = Speech("identity", "rotate", Rotate)


def _present(state: State, arguments: Present, context: Context) -> list[Event]:
    check_pseudonym(arguments.pseudonym, "pseudonym")
    check_control(state, arguments.pseudonym, arguments.key, arguments.proof, context.chain)
    state.put(PRESENTED, f"{arguments.pseudonym}/{context.member}", Presented(arguments.key))
    return [
        Event(
            "voice-presented", {"pseudonym": arguments.pseudonym, "agent": context.member, "key": arguments.key.hex()}
        )
    ]


def _take_presented(state: State, arguments: Vouch) -> None:
    """Refuses `unknown-presentation`."""
    place = f"{arguments.pseudonym}/{arguments.agent}"
    presented = state.get(PRESENTED, place)
    if presented is None or presented.key != arguments.key:
        raise Refused("unknown-presentation", "the agent named presents no such key for this pseudonym")
    state.delete(PRESENTED, place)


def _vouch(state: State, arguments: Vouch, context: Context) -> list[Event]:
    pseudonym = arguments.pseudonym
    check_pseudonym(pseudonym, "pseudonym")
    if state.get(VOICES, pseudonym) is not None:
        raise Refused("identity-exists", "the pseudonym has a key: it is rotated by its person, or recovered")
    if context.role != GENESIS:
        _take_presented(state, arguments)
    elif not suite_of(state).is_sound_key(arguments.key):
        raise Refused("key-weak", "it is not a sound key of this chain's suite")
    state.put(VOICES, pseudonym, Voice(arguments.key))
    return [Event("voice-vouched", {"pseudonym": pseudonym, "agent": arguments.agent})]


def _replace(state: State, pseudonym: str, key: bytes) -> None:
    """Another key; the numbers that were used stay used."""
    voice = state.get(VOICES, pseudonym)
    assert voice is not None
    state.put(VOICES, pseudonym, msgspec.structs.replace(voice, key=key))
    state.delete(RECOVERIES, pseudonym)


def _rotate(state: State, said: Rotate, pseudonym: str, context: Context) -> list[Event]:
    check_control(state, pseudonym, said.key, said.proof, context.chain)
    _replace(state, pseudonym, said.key)
    return [Event("voice-rotated", {"pseudonym": pseudonym})]


def _propose_recovery(state: State, arguments: Vouch, context: Context) -> list[Event]:
    pseudonym = arguments.pseudonym
    check_pseudonym(pseudonym, "pseudonym")
    if state.get(VOICES, pseudonym) is None:
        raise Refused("unknown-voice", "the pseudonym has no key yet: vouch for its first one")
    if state.get(RECOVERIES, pseudonym) is not None:
        raise Refused("recovery-exists", "a recovery of this pseudonym waits already")
    _take_presented(state, arguments)
    state.put(RECOVERIES, pseudonym, Recovery(arguments.key, context.member))
    return [Event("recovery-proposed", {"pseudonym": pseudonym, "proposer": context.member})]


def _get_recovery(state: State, arguments: Decide) -> Recovery:
    """Refuses `unknown-recovery`, also where the person has renewed its key since."""
    check_pseudonym(arguments.pseudonym, "pseudonym")
    recovery = state.get(RECOVERIES, arguments.pseudonym)
    if recovery is None or recovery.key != arguments.key:
        raise Refused("unknown-recovery", "no recovery of this pseudonym with this key waits")
    return recovery


def _endorse_recovery(state: State, arguments: Decide, context: Context) -> list[Event]:
    recovery = _get_recovery(state, arguments)
    _replace(state, arguments.pseudonym, recovery.key)
    fields: dict[str, int | str] = {"pseudonym": arguments.pseudonym, "proposer": recovery.proposer}
    return [Event("voice-recovered", {**fields, "endorser": context.member})]


def _drop_recovery(state: State, arguments: Decide, context: Context) -> list[Event]:
    _get_recovery(state, arguments)
    state.delete(RECOVERIES, arguments.pseudonym)
    return [Event("recovery-dropped", {"pseudonym": arguments.pseudonym, "member": context.member})]


_ENDORSERS = among(HOSPITAL, REGULATOR)  # roles other than the bureau's

CONTRACT = Contract(
    "identity",
    1,
    (
        Operation("present", Present, BY_ALL, _present),
        Operation("vouch", Vouch, BY_FOUNDERS, _vouch),
        ROTATE.operation(_rotate),
        Operation("propose_recovery", Vouch, BY_BUREAU, _propose_recovery),
        Operation("endorse_recovery", Decide, _ENDORSERS, _endorse_recovery),
        Operation("drop_recovery", Decide, BY_BUREAU, _drop_recovery),
    ),
)
