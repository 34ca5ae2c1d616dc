"""What people do to a standing consortium by hand: told in the trace, kept over a node's death, read with a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from consortium.commands.folders import open_ledger
from consortium.runs.folder import load_run
from consortium.scenario.load import ScenarioError
from consortium.scenario.standing_members import parse_members
from consortium.scenario.streams import Stream
from nodes.deploy import by_hand, look
from nodes.deploy.hand_world import HandWorld
from nodes.deploy.hands import Hands
from nodes.deploy.making import make_consortium
from nodes.deploy.running import ProgramState
from nodes.deploy.standing import Standing, bring_up, counted, open_standing
from nodes.deploy.tail import tail_lines
from nodes.deploy.witness import Witness, exit_code
from nodes.errors import UserError
from nodes.process.settings import NodeFolder
from nodes.process.standing_orders import read_orders, write_orders

FOUR = "bureau=1,hospital=2,regulator=1"


class FakeRunning:
    """Programs that only know whether they are up."""

    def __init__(self, names: list[str]) -> None:
        self.alive = dict.fromkeys(names, True)
        self.did: list[tuple[str, str]] = []
        self.is_up = True

    def start(self) -> None:
        self.is_up = True

    def stop(self) -> bool:
        self.is_up = False
        return True

    def remove(self) -> None: ...

    def states(self) -> Mapping[str, ProgramState]:
        return {
            name: ProgramState(name, "running" if alive else "stopped", 7 if alive else 0, 0, 1)
            for name, alive in self.alive.items()
        }

    def start_program(self, name: str) -> None:
        self.alive[name] = True
        self.did.append(("start", name))

    def stop_program(self, name: str) -> None:
        self.alive[name] = False

    def kill_program(self, name: str) -> None:
        self.alive[name] = False
        self.did.append(("kill", name))

    def pause_program(self, name: str) -> None:
        self.did.append(("pause", name))

    def resume_program(self, name: str) -> None:
        self.did.append(("resume", name))

    def signal_program(self, name: str, signal: str) -> None: ...

    def log_lines(self, name: str, last: int, *, is_followed: bool) -> Iterator[str]:
        return iter(())


@pytest.fixture
def standing(tmp_path: Path) -> Standing:
    folder = tmp_path / "c"
    made = make_consortium(folder, parse_members(FOUR), "embedded")
    running = FakeRunning(["broker-1", *made.members])
    return open_standing(folder)._replace(running=running)


def _faults(standing: Standing) -> list[tuple[str, str]]:
    return [(each["act"], each["target"]) for each in Hands(standing.folder).records() if each["kind"] == "fault"]


def test_an_act_is_carried_out_and_told_as_fate_does(standing: Standing) -> None:
    assert by_hand.strike(standing, "kill", "hospital-1") == "hospital-1"
    by_hand.strike(standing, "pause", "bureau")
    by_hand.strike(standing, "resume", "bureau")
    by_hand.strike(standing, "restart", "hospital-1", options={"disk": "empty"})
    assert _faults(standing) == [
        ("kill", "hospital-1"),
        ("pause", "bureau"),
        ("resume", "bureau"),
        ("restart", "hospital-1"),
    ]
    assert standing.running.did[:3] == [("kill", "hospital-1"), ("pause", "bureau"), ("resume", "bureau")]  # type: ignore[attr-defined]
    assert not standing.node("hospital-1").votes.exists()  # its disk is empty


@pytest.mark.parametrize(
    ("target", "words"), [("hospital-9", "there is no node 'hospital-9'"), ("leader", "no node answers")]
)
def test_nobody_is_hit_who_is_not_there(standing: Standing, target: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        by_hand.strike(standing, "kill", target)
    assert _faults(standing) == []


def test_an_act_or_option_that_there_is_not_is_refused(standing: Standing) -> None:
    with pytest.raises(UserError, match="one by one"):
        by_hand.strike(standing, "kill_storm")
    with pytest.raises(ScenarioError):
        by_hand.strike(standing, "restart", "bureau", options={"disk": "round"})
    standing.running.stop()
    with pytest.raises(UserError, match="`consortium up` brings it up"):
        by_hand.strike(standing, "kill", "bureau")
    assert _faults(standing) == []


def test_the_leader_is_who_the_newest_view_names(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"bureau": {"view": 0, "leader": "bureau"}, "hospital-1": {"view": 3, "leader": "regulator"}}
    monkeypatch.setattr("nodes.deploy.hand_world.ask_status", lambda folder: told.get(folder.folder.name))
    assert by_hand.strike(standing, "kill", "leader") == "regulator"


def test_a_cut_lies_with_every_node_until_it_is_healed(standing: Standing) -> None:
    by_hand.strike(standing, "partition", groups=[["hospital-1", "hospital-2"]])
    assert read_orders(standing.node("hospital-1")) == {"cut": ["bureau", "regulator"]}
    assert read_orders(standing.node("bureau")) == {"cut": ["hospital-1", "hospital-2"]}
    found = look.look(standing.folder, standing.deployment, standing.roles, standing.running)
    assert found[0].deaf_to == ("hospital-1", "hospital-2")
    by_hand.strike(standing, "heal")
    assert [read_orders(standing.node(name)) for name in standing.deployment.members] == [{}] * 4
    assert not (standing.node("bureau").folder / "orders.json").exists()


def test_links_clocks_and_disks_are_ordered_too(standing: Standing) -> None:
    by_hand.strike(standing, "loss", links=["bureau>*"], options={"ppm": 100_000})
    by_hand.strike(standing, "clock_jump", "bureau", options={"wall_us": 5_000_000})
    by_hand.strike(standing, "disk_full", "bureau")
    orders = read_orders(standing.node("bureau"))
    assert orders["links"] == [[["bureau>*"], {"loss_ppm": 100_000}]]
    assert orders["clock"][0][1] == 5_000_000
    assert orders["full"] is True
    by_hand.strike(standing, "calm")
    by_hand.strike(standing, "disk_free", "bureau")
    assert set(read_orders(standing.node("bureau"))) == {"clock"}


def _said(folder: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["fault", *words, "--dir", str(folder)])
    return result.output if result.exit_code == 0 else str(result.exception)


def test_any_act_of_fate_is_a_command(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.deploy.standing.open_standing", lambda _: standing)
    bureau = standing.node("bureau")
    assert "`consortium fault calm` ends it" in _said(standing.folder, "loss", "ppm=100000", "--link", "bureau>*")
    assert read_orders(bureau)["links"] == [[["bureau>*"], {"loss_ppm": 100_000}]]
    _said(standing.folder, "clock_jump", "bureau", "wall_us=-5000000")
    assert read_orders(bureau)["clock"][0][1] == -5_000_000
    assert "`consortium fault disk_free bureau` ends it" in _said(standing.folder, "disk_full", "bureau")
    assert read_orders(bureau)["full"] is True
    _said(standing.folder, "broker_kill", "number=1")
    assert standing.running.did == [("kill", "broker-1")]  # type: ignore[attr-defined]
    assert [act for act, _ in _faults(standing)] == ["loss", "clock_jump", "disk_full", "broker_kill"]


def test_an_act_that_cannot_be_done_by_hand_is_refused_with_what_can(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.deploy.standing.open_standing", lambda _: standing)
    for words, why in (
        (("los", "ppm=1"), "did you mean"),
        (("kill_storm",), "no act 'kill_storm' by hand"),
        (("loss", "ppm=2000000"), "ppm"),
        (("loss",), "ppm"),
        (("loss", "ppm=1", "--link", "nobody>bureau"), "nobody"),
        (("disk_full",), "target"),
        (("disk_full", "bureau", "regulator"), "one node at a time"),
        (("clock_jump", "bureau", "hours=2"), "hours"),
    ):
        assert why in _said(standing.folder, *words), words
    assert _faults(standing) == []
    assert "clock_drift" in _said(standing.folder) and "wall_ppm, monotonic_ppm" in _said(standing.folder)


def test_damage_waits_until_the_node_is_down(standing: Standing) -> None:
    world = HandWorld(standing.folder, standing.deployment, standing.running)
    world.flip_bit("bureau", "votes", Stream(1, "x"))
    world.tear_votes("bureau", 1)
    assert (standing.node("bureau").folder / "damage.json").is_file()
    world.start("bureau", "own")
    assert not (standing.node("bureau").folder / "damage.json").exists()
    assert standing.running.did == [("kill", "bureau"), ("start", "bureau")]  # type: ignore[attr-defined]


def test_the_bus_is_down_when_no_broker_is_left(standing: Standing) -> None:
    by_hand.strike(standing, "kill", "broker-1")
    by_hand.strike(standing, "restart", "broker-1")
    assert _faults(standing) == [
        ("kill", "broker-1"),
        ("broker_kill", ""),
        ("restart", "broker-1"),
        ("broker_restart", ""),
    ]


def test_a_death_that_nobody_ordered_is_told_by_the_witness(standing: Standing) -> None:
    hands = Hands(standing.folder)
    codes = {"bureau": -1, "hospital-1": 74}
    witness = Witness(hands, frozenset(standing.deployment.members), codes.__getitem__)
    for event, name in (
        ("PROCESS_STATE_STARTING", "bureau"),
        ("PROCESS_STATE_EXITED", "bureau"),
        ("PROCESS_STATE_STARTING", "bureau"),
        ("PROCESS_STATE_EXITED", "hospital-1"),
        ("PROCESS_STATE_EXITED", "broker-1"),
    ):
        witness.hear(event, name)
    assert _faults(standing) == [("kill", "bureau"), ("restart", "bureau")]
    assert [(each["node"], each["code"]) for each in hands.records() if each["kind"] == "exited"] == [
        ("hospital-1", 74)
    ]


def test_how_a_node_ended_is_read_where_its_next_life_has_not_hidden_it(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text(
        "2026-11-30 13:10:48,100 WARN exited: hospital-1 (terminated by SIGKILL; not expected)\n"
        "2026-11-30 13:10:48,120 INFO spawned: 'hospital-1' with pid 15200\n"
        "2026-11-30 13:10:52,418 WARN exited: hospital-1 (exit status 74; not expected)\n"
        "2026-11-30 13:10:54,438 INFO spawned: 'hospital-1' with pid 15214\n"
        "2026-11-30 13:10:56,716 WARN exited: hospital-12 (terminated by SIGKILL; not expected)\n"
    )
    assert exit_code(log, "hospital-1") == 74
    assert exit_code(log, "hospital-12") == exit_code(log, "bureau") == -1


def test_a_standing_folder_is_a_run_whose_hands_are_in_its_trace(standing: Standing) -> None:
    folder = standing.folder
    by_hand.strike(standing, "kill", "hospital-1")
    Hands(folder).note("", "stands", {"state": "up"})
    node = NodeFolder(folder, "bureau")
    node.trace.write_bytes(b'{"t_us":5,"node":"bureau","kind":"booted"}\n{"t_us":6,"node":"bur')
    with (folder / "hands.jsonl").open("ab") as file:
        file.write(b'{"torn')
    run = load_run(folder, open_ledger)
    assert [record["kind"] for record in run.trace] == ["booted", "fault", "stands"]
    assert run.is_standing
    assert not run.is_partial
    Hands(folder).note("", "stands", {"state": "down"})  # mends the torn line
    assert not Hands(folder).was_left_up
    assert len(Hands(folder).records()) == 3


def test_what_was_done_by_hand_is_over_when_it_comes_up_again(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = Hands(standing.folder)
    hands.note("", "stands", {"state": "up"})
    write_orders(standing.node("bureau"), {"cut": ["regulator"]})
    NodeFolder(standing.folder, "bureau").trace.write_bytes(b'{"t_us":9000000000,"node":"bureau","kind":"cost"}\n')
    standing.running.stop()
    monkeypatch.setattr("nodes.deploy.standing.running_of", lambda *_: standing.running)
    monkeypatch.setattr("nodes.deploy.standing._wait", lambda *_: [])
    bring_up(standing.folder)
    assert read_orders(standing.node("bureau")) == {}
    outage = [each for each in hands.records() if each.get("by") == "outage"]
    assert {each["t_us"] for each in outage} == {9_000_000_000}  # nobody saw it: as of the last word of a node
    assert [each["target"] for each in hands.records() if each.get("by") == "up" and each["act"] == "restart"] == [
        *standing.deployment.members
    ]


def test_members_are_counted_as_up_takes_them(standing: Standing) -> None:
    assert counted(standing) == FOUR


def test_orders_that_are_none_are_refused_in_a_sentence(standing: Standing) -> None:
    (standing.node("bureau").folder / "orders.json").write_bytes(b"[")
    with pytest.raises(UserError, match="cannot be read"):
        read_orders(standing.node("bureau"))


def test_a_log_is_followed_when_it_is_begun_anew(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert list(tail_lines(log, 5)) == []
    log.write_text("1\n2\n3\nhalf")
    assert list(tail_lines(log, 2)) == ["3", "half"]
    assert list(tail_lines(log, 0)) == []
    followed = tail_lines(log, 1, is_followed=True, poll_s=0)
    log.write_text("1\n2\n3\nhalf of it\n")
    assert next(followed) == "half of it"
    log.rename(tmp_path / "log.txt.1")
    log.write_text("new\nlines\n")
    assert list(islice(followed, 2)) == ["new", "lines"]
