"""Lost disks and liars: whoever answers, and whatever is still in flight, nobody decides a second batch at a height.

The liar is the two-faced traitor of `lost_disk_network`. Some honest members know what was decided with the votes that
are lost, the others never heard of it.
"""

from __future__ import annotations

from itertools import chain, combinations, permutations
from typing import NamedTuple

import pytest

from consortium.core.crypto import KeyedHash
from consortium.core.messages import Frame, Message, Signed, encode_frame
from consortium.protocols.hotstuff import messages as hotstuff
from consortium.protocols.pbft import certificates, view_change
from consortium.protocols.pbft.messages import (
    Ask,
    Commit,
    Decision,
    Prepare,
    Recall,
    Recalled,
    Suspect,
    Told,
    ViewChange,
)
from tests.lost_disk_network import OTHER, TwoFaced, network_of
from tests.pbft_network import secret

NAMES = ("n0", "n1", "n2", "n3")
T_US = 1_000_000
IN_FLIGHT: dict[str, tuple[type[Message], ...]] = {
    "nothing": (),
    "the last votes": (Commit, hotstuff.Ballot),
    "all votes": (Prepare, Commit, hotstuff.Ballot, hotstuff.Proposal),
}


class Roles(NamedTuple):
    """Who lies; who loses its disk; who hears the first half of the story, and who the second."""

    liar: str
    lost: tuple[str, ...]
    knowing: tuple[str, ...]
    blind: tuple[str, ...]

    @property
    def size(self) -> int:
        return 1 + len(self.lost) + len(self.knowing) + len(self.blind)


def _subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(names, size) for size in range(len(names) + 1)))


def _story(
    roles: Roles,
    answering: tuple[str, ...],
    flight: str = "nothing",
    *,
    protocol: str = "pbft",
    knows_loss: bool = True,
) -> TwoFaced:
    """The liar and those who lose their disks decide a batch with those who know, then the disks are lost. `answering`
    ("liar", "knowing", "blind") tell them of their votes, and a second half of the members works on another batch.
    `flight`: which of the lost votes to those who know arrive only at the very end."""
    liar, lost, knowing, blind = roles
    network = network_of(protocol, roles.size, liar)
    network.divide((liar, *lost, *knowing), (liar + OTHER, *blind))
    kinds = IN_FLIGHT[flight]
    network.is_kept = lambda sender, to, message: sender in lost and to in knowing and isinstance(message, kinds)
    network.offer(b"first", liar, *lost, *knowing)
    network.run(network.time_us + T_US // 2)
    network.is_kept = lambda sender, to, message: False
    who = {"liar": (liar + OTHER,), "knowing": knowing, "blind": blind}
    allowed = {place for name in answering for place in who[name]} | set(lost)
    half = {liar + OTHER, *blind, *lost}

    def carries(sender: str, receiver: str, message: Message) -> bool:
        if isinstance(message, Recall | Recalled | hotstuff.Recall | hotstuff.Recalled):
            return {sender, receiver} <= allowed
        return {sender, receiver} <= half

    network.carries = carries
    for name in lost:
        network.peers[name].lose_disk()
        network.peers[name].is_log_lost = knows_loss
    for name in lost:
        network.peers[name].boot()
    network.run(network.time_us + T_US // 2)
    network.offer(b"second", liar + OTHER, *blind, *lost)
    network.run(network.time_us + 5 * T_US)
    network.release()
    network.run(network.time_us + T_US // 2)
    return network


def _every_four() -> list[Roles]:
    return [Roles(liar, (lost,), (knowing,), (blind,)) for liar, lost, knowing, blind in permutations(NAMES)]


SIX = Roles("n0", ("n1",), ("n2", "n3"), ("n4", "n5"))
SEVEN = Roles("n0", ("n1", "n2"), ("n3", "n4"), ("n5", "n6"))


@pytest.mark.parametrize("protocol", ["pbft", "hotstuff"])
@pytest.mark.parametrize("flight", IN_FLIGHT)
@pytest.mark.parametrize("answering", _subsets(("liar", "knowing", "blind")))
def test_four_members_never_fork_over_a_lost_disk_whoever_answers(
    answering: tuple[str, ...], flight: str, protocol: str
) -> None:
    for roles in _every_four():
        assert _story(roles, answering, flight, protocol=protocol).faults == [], roles


@pytest.mark.parametrize("flight", IN_FLIGHT)
@pytest.mark.parametrize("answering", _subsets(("liar", "knowing", "blind")))
@pytest.mark.parametrize("roles", [SIX, SEVEN], ids=["six", "seven, two disks"])
def test_neither_do_six_or_seven(roles: Roles, answering: tuple[str, ...], flight: str) -> None:
    assert _story(roles, answering, flight).faults == []


@pytest.mark.parametrize("protocol", ["pbft", "hotstuff"])
def test_a_lost_log_that_is_taken_for_a_new_one_forks_four(protocol: str) -> None:
    """The positive control: the answers of the liar and of the one who heard nothing are enough for a sound log."""
    stories = [_story(roles, ("liar", "blind"), protocol=protocol, knows_loss=False) for roles in _every_four()]
    assert sum(bool(story.forks) for story in stories) >= 6


@pytest.mark.parametrize("roles", [SIX, SEVEN], ids=["six", "seven, two disks"])
def test_a_lost_log_that_is_taken_for_a_new_one_forks_more(roles: Roles) -> None:
    assert _story(roles, ("liar", "blind"), knows_loss=False).forks


# --- a VIEW-CHANGE from before the loss ---------------------------------------------------------------------------


def _work(network: TwoFaced, until_us: int, every_us: int = 20_000) -> None:
    """Bundles for everybody, one after another."""
    places = tuple(network.peers)
    for index in range(0, until_us, every_us):
        bundle = b"work %d" % (network.time_us + index)
        network.later(index, lambda bundle=bundle: network.offer(bundle, *places))


def _suspicion(network: TwoFaced, name: str) -> bytes:
    """A frame in which this member suspects the leader of view 0."""
    body = network.verifier.codec.statement(0, Suspect(0))
    return encode_frame(Frame(Signed(name, body, KeyedHash().sign(secret(name), body))))


def _old_view_change(monkeypatch: pytest.MonkeyPatch, *, is_judged: bool) -> TwoFaced:
    """n2 suspects with n3 and n1, and says VIEW-CHANGE for view 1 to nobody but n1, which leads that view and lies. It
    loses its disk, and votes again in view 0. Its new votes decide a batch that n3 has not heard of, and n1 builds a
    NEW-VIEW with n3 on the old VIEW-CHANGE."""
    monkeypatch.setattr(view_change, "choose_changes", lambda mine, others, count, span: [mine, *others][: count + 1])
    if not is_judged:
        monkeypatch.setattr(certificates, "span_fault", lambda changes, span: None)
    network = network_of("pbft", 4, "n1")
    lost = network.peers["n2"]
    network.is_kept = lambda sender, to, message: sender == "n2" and to == "n1'" and isinstance(message, ViewChange)
    network.carries = lambda sender, receiver, message: (sender, receiver) == ("n3", "n2")
    network.offer(b"unheard", "n2", "n3")
    lost.arrive("n1", _suspicion(network, "n1"))
    network.run(network.time_us + 2 * T_US)
    assert len({payload for _, _, payload in network.kept}) == 1
    network.is_kept = lambda sender, to, message: False
    network.divide(tuple(network.peers))
    network.offer(b"unheard", "n0")
    lost.lose_disk()
    lost.boot()
    _work(network, 3 * T_US, every_us=60_000)
    assert network.run(network.time_us + 3 * T_US, lambda: bool(lost.noted("votes_again")))
    network.run(network.time_us + 3 * T_US)
    assert {peer.replica.view for peer in network.peers.values()} == {0}, "nobody was suspected meanwhile"

    def carries(sender: str, receiver: str, message: Message) -> bool:
        """n0 decides with n1 and n2, who hears no COMMIT; n3 hears n1's other face alone, and n2 hears that, too."""
        is_told = isinstance(message, Ask | Told | Decision)
        if is_told or (receiver == "n2" and isinstance(message, Commit) and message.view == 0):
            return False
        halves = {sender, receiver} <= {"n0", "n1", "n2"}, {sender, receiver} <= {"n1'", "n2", "n3"}
        return any(halves) and not (receiver in ("n1'", "n3") and sender == "n2" and getattr(message, "view", 1) == 0)

    network.carries = carries
    network.offer(b"decided", "n0", "n1", "n2")
    network.run(network.time_us + T_US // 10)
    network.release()
    network.offer(b"another", "n1'", "n3")
    network.run(network.time_us + 6 * T_US)
    return network


def test_a_view_change_from_before_the_loss_hides_no_vote_from_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    network = _old_view_change(monkeypatch, is_judged=True)
    assert network.forks == []
    assert "a VIEW-CHANGE that is too old for the others" in [
        why["why"] for why in network.peers["n3"].noted("rejected")
    ]


def test_one_that_is_taken_at_any_age_forks_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The positive control."""
    assert _old_view_change(monkeypatch, is_judged=False).forks


# --- service ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["pbft", "hotstuff"])
@pytest.mark.parametrize(("n", "lost"), [(4, ("n2",)), (4, ("n0",)), (6, ("n1",)), (7, ("n0", "n3"))])
@pytest.mark.parametrize("all_restart", [False, True])
def test_who_lost_its_log_votes_again_while_the_others_serve(
    protocol: str, n: int, lost: tuple[str, ...], all_restart: bool
) -> None:
    """Up to f lost logs, nobody lies: service goes on, also after everybody was restarted."""
    network = network_of(protocol, n, "")
    _work(network, T_US)
    network.run(network.time_us + T_US)
    for peer in network.peers.values():
        if peer.name in lost:
            peer.lose_disk()
        elif all_restart:
            peer.crash()
    for peer in network.peers.values():
        if not peer.is_up:
            peer.boot()
    _work(network, 4 * T_US)
    network.run(network.time_us + 8 * T_US)
    bundles = [set(peer.bundles) for peer in network.peers.values()]
    assert network.faults == [] and all(held == bundles[0] for held in bundles) and len(bundles[0]) >= 240
    for name in lost:
        assert len(network.peers[name].noted("votes_again")) == 1 and network.peers[name].replica.state.is_recalled


@pytest.mark.parametrize("protocol", ["pbft", "hotstuff"])
def test_where_nothing_is_sealed_it_waits_and_says_little(protocol: str) -> None:
    network = network_of(protocol, 4, "")
    _work(network, T_US)
    network.run(network.time_us + 3 * T_US)
    peer = network.peers["n3"]
    peer.lose_disk()
    peer.boot()
    network.run(network.time_us + 3 * T_US)
    assert peer.noted("bound") and not peer.noted("votes_again")
    before = network.transmitted
    network.run(network.time_us + 30 * T_US)
    assert network.transmitted - before <= 4 and not peer.replica.state.is_recalled


# --- everybody was restarted --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answering", "is_found"), [(("n2",), True), (("n3",), False)])
def test_a_rolled_back_disk_is_found_out_by_those_who_acted_on_its_votes(
    answering: tuple[str, ...], is_found: bool
) -> None:
    """All four were restarted. n2 said COMMIT on the strength of n1's PREPARE, which n3 never heard."""
    network = network_of("pbft", 4, "")
    older = list(network.peers["n1"].records)
    network.carries = lambda sender, to, message: {sender, to} <= {"n0", "n1", "n2"} and not isinstance(message, Commit)
    network.offer(b"first", "n0", "n1", "n2")
    network.run(network.time_us + T_US // 4)
    for peer in network.peers.values():
        peer.crash()
    rolled = network.peers["n1"]
    rolled.records, rolled.chain = older, []
    asked = {"n0", "n1", *answering}
    network.carries = lambda sender, to, message: {sender, to} <= asked
    for name in ("n2", "n3", "n1"):
        network.peers[name].boot()
    network.run(network.time_us + T_US // 4)
    network.carries = lambda sender, to, message: {sender, to} <= {"n1", "n3", *answering}
    network.run(network.time_us + T_US)
    assert bool(rolled.noted("observing")) is is_found
    network.carries = lambda sender, to, message: True
    network.peers["n0"].boot()
    _work(network, 3 * T_US)
    network.run(network.time_us + 9 * T_US)
    assert network.forks == [] and len(network.peers["n3"].bundles) >= 150


def test_a_rolled_back_disk_and_a_liar_fork_no_seven_that_were_all_restarted() -> None:
    """They are f. Nobody whom n1 asks remembers its PREPARE, and it votes twice; a quorum it does not make."""
    network = network_of("pbft", 7, "n0")
    rolled = network.peers["n1"]
    older = list(rolled.records)
    network.divide(("n0", "n1", "n2", "n3", "n4"), ("n0'", "n5", "n6"))
    network.offer(b"first", "n0", "n1", "n2", "n3", "n4")
    network.run(network.time_us + T_US // 2)
    for peer in network.peers.values():
        peer.crash()
    rolled.records, rolled.chain, rolled.stable, rolled.seal = older, [], 0, None
    for peer in network.peers.values():
        peer.boot()
    network.divide(("n0", "n2", "n3", "n4"), ("n0'", "n1", "n5", "n6"))
    rolled.replica.state.is_recalled = True  # whatever it was told
    network.offer(b"second", "n0'", "n1", "n5", "n6")
    network.run(network.time_us + 5 * T_US)
    network.carries = lambda sender, to, message: True
    network.run(network.time_us + 5 * T_US)
    assert network.forks == [] and network.decided[1]
