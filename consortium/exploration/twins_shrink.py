"""From a failing twin case to a small one that fails likewise, and how one is kept in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from consortium.core.codec import Malformed
from consortium.exploration.twins import WAYS, Round, TwinCase

KIND = "twin case"


def shrink_twins(case: TwinCase, fails: Callable[[TwinCase], bool], tries_max: int = 100) -> tuple[TwinCase, int]:
    """The smallest that we found, and how many we tried. `fails` must hold of `case`, and holds of the result."""
    tries = 0
    is_smaller = True
    while is_smaller and tries < tries_max:
        is_smaller = False
        for candidate in _smaller(case):
            if tries >= tries_max:
                break
            tries += 1
            if fails(candidate):
                case, is_smaller = candidate, True
                break
    return case, tries


def _smaller(case: TwinCase) -> Iterator[TwinCase]:
    """A round less; a round in which all hear all; two camps of a round as one; a round that is never cut off."""
    for index in range(len(case.rounds) if len(case.rounds) > 1 else 0):
        yield case._replace(rounds=(*case.rounds[:index], *case.rounds[index + 1 :]))
    for index, each in enumerate(case.rounds):
        camps = max(each.groups)
        joined = [tuple(0 for _ in each.groups)] if camps else []
        joined += [tuple(min(group, camps - 1) for group in each.groups)] if camps > 1 else []
        rounds = [each._replace(groups=groups) for groups in joined]
        latest = case.ways.cuts[-1]
        rounds += [each._replace(cut_hops=latest)] if each.cut_hops < latest else []
        for plainer in rounds:
            yield case._replace(rounds=(*case.rounds[:index], plainer, *case.rounds[index + 1 :]))


def encode_case(case: TwinCase) -> bytes:
    """Indented JSON, for a person and for `decode_case`."""
    tree: dict[str, Any] = {
        "kind": KIND,
        "number": case.number,
        "protocol": case.protocol,
        "members": case.members,
        "twinned": case.twinned,
        "rounds": [each._asdict() for each in case.rounds],
    }
    return msgspec.json.format(msgspec.json.encode(tree), indent=2) + b"\n"


class _KeptRound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    leader: str
    groups: tuple[int, ...]
    cut_hops: int


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    number: int
    members: tuple[str, ...]
    twinned: tuple[str, ...]
    rounds: tuple[_KeptRound, ...]
    protocol: str = "pbft"


def decode_case(data: bytes) -> TwinCase:
    """Raises Malformed with a sentence."""
    try:
        kept = msgspec.json.decode(data, type=_Kept)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"not a twin case: {error}") from None
    hosts = len(kept.members) + len(kept.twinned)
    is_sound = kept.kind == KIND and len(kept.members) >= 4 and set(kept.twinned) < set(kept.members)
    is_sound = is_sound and len(kept.rounds) > 0 and kept.protocol in WAYS
    for each in kept.rounds:
        is_sound = is_sound and each.leader in kept.members and len(each.groups) == hosts and min(each.groups) >= 0
    if not is_sound:
        raise Malformed("not a twin case: its members, leaders or groups do not fit together")
    rounds = tuple(Round(each.leader, each.groups, each.cut_hops) for each in kept.rounds)
    return TwinCase(kept.number, kept.members, kept.twinned, rounds, kept.protocol)
