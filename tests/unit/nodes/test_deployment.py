"""A standing consortium's folder: made whole or not at all, its facts read again or refused in a sentence; and what the
supervisor is told of it."""

from __future__ import annotations

import configparser
import shlex
import stat
from pathlib import Path

import msgspec
import pytest

from consortium.core.genesis import decode_genesis
from consortium.scenario.standing_members import DEFAULT, parse_members
from nodes.deploy import making
from nodes.deploy.deployment import Deployment, read_deployment, write_deployment
from nodes.deploy.local import programs_of
from nodes.deploy.making import make_consortium
from nodes.deploy.program import Program, quoted, render
from nodes.deploy.standing import bring_down, bring_up
from nodes.errors import UserError
from nodes.gateway.settings import GatewayFolder
from nodes.process.settings import NodeFolder, read_settings
from nodes.process.socket_place import PATH_BYTES_MAX, socket_place


def test_a_folder_is_made_whole_with_secrets_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a b" / "c"
    made = make_consortium(folder, parse_members(DEFAULT), "embedded")
    assert read_deployment(folder) == made
    assert made.members == tuple(member.name for member in parse_members(DEFAULT))
    for name in made.members:
        node = NodeFolder(folder, name)
        assert [each.port for each in read_settings(node.settings).brokers] == [made.brokers[0].port]
        assert node.samples.is_file()
        for secret in (node.settings, node.samples, *node.keys.iterdir()):
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert [path.name for path in folder.parent.iterdir()] == ["c"]


def test_each_member_has_a_gateway_with_a_desk_that_the_genesis_knows(tmp_path: Path) -> None:
    made = make_consortium(tmp_path / "c", parse_members(DEFAULT), "embedded")
    ports = {place.port for place in made.gateways.values()} | {broker.port for broker in made.brokers}
    assert (tuple(made.gateways), len(ports)) == (made.members, len(made.members) + 1)
    genesis = decode_genesis((tmp_path / "c" / "genesis.json").read_bytes())
    desks = [call for call in genesis.calls if (call.contract, call.operation) == ("application", "register")]
    assert len(desks) == len(made.members)
    for name in made.members:
        gateway = GatewayFolder(NodeFolder(tmp_path / "c", name))
        for secret in (gateway.settings, gateway.applications, gateway.key("desk"), gateway.token("desk")):
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert gateway.certificate.is_file()


def test_a_folder_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(making, "write_deployment", refuse)
    with pytest.raises(UserError, match="No space left"):
        make_consortium(tmp_path / "c", parse_members(DEFAULT), "embedded")
    assert list(tmp_path.iterdir()) == []


def test_what_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear all")
    with pytest.raises(UserError, match="holds something else"):
        make_consortium(tmp_path, parse_members(DEFAULT), "embedded")
    with pytest.raises(UserError, match="is a file"):
        make_consortium(tmp_path / "letter.txt", parse_members(DEFAULT), "embedded")
    with pytest.raises(UserError, match="holds no consortium"):
        bring_down(tmp_path, is_wiped=True)
    with pytest.raises(UserError, match="holds something else"):
        bring_up(tmp_path)
    assert not tmp_path.with_name(f".{tmp_path.name}.lock").exists()
    assert (tmp_path / "letter.txt").read_text() == "dear all"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b'{"format": 7, "version": "9.0"}', "format 7, written by consortium 9.0"),
        (b'{"format": 1, "version": "0.1.0"}', "cannot be read"),
    ],
)
def test_facts_that_are_none_are_refused_in_a_sentence(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "consortium.json").write_bytes(data)
    with pytest.raises(UserError, match=words):
        read_deployment(tmp_path)


def test_other_members_are_no_matter_of_an_option(tmp_path: Path) -> None:
    make_consortium(tmp_path / "c", parse_members(DEFAULT), "embedded")
    with pytest.raises(UserError, match="change by vote alone"):
        bring_up(tmp_path / "c", "bureau=1,hospital=2,regulator=1")
    with pytest.raises(UserError, match="expected `auto`"):
        bring_up(tmp_path / "d", None, "rabbit")
    assert not (tmp_path / "d").exists()


def test_a_port_that_another_program_took_is_told_before_anything_starts(tmp_path: Path) -> None:
    import socket

    made = make_consortium(tmp_path / "c", parse_members(DEFAULT), "embedded")
    with socket.socket() as other:
        other.bind(("127.0.0.1", made.brokers[0].port))
        other.listen()
        with pytest.raises(UserError, match=f"port {made.brokers[0].port}, on which broker-1 listens"):
            bring_up(tmp_path / "c")
    assert not (tmp_path / "c" / "supervisor").exists()


@pytest.mark.parametrize("word", ["plain", "two words", "50 %", "a ;b #c", "it's", 'a "b"', "a  ; ; #", "数据 ;x"])
def test_a_word_comes_through_the_supervisors_file_as_it_was(tmp_path: Path, word: str) -> None:
    text = render(Path("supervisor/socket"), [Program("x", ["python", word, "end"], "log.txt", 1)])
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)  # as supervisord reads
    parser.read_string(text)
    command = parser.get("program:x", "command") % {}
    assert shlex.split(command) == ["python", word, "end"]
    assert "\n" not in quoted(word)


def test_brokers_start_first_and_every_member_has_a_program(tmp_path: Path) -> None:
    made = make_consortium(tmp_path / "c", parse_members(DEFAULT), "embedded")
    programs = programs_of(tmp_path / "c", made)
    assert [program.name for program in programs] == [
        "witness",
        "broker-1",
        *made.members,
        *(f"gateway.{name}" for name in made.members),
    ]
    assert programs[0].priority < programs[1].priority < programs[2].priority


def test_a_socket_of_a_deep_folder_lies_elsewhere_and_always_at_the_same_place(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120) / "socket"
    assert socket_place(Path("/a/socket")) == Path("/a/socket")
    assert len(str(socket_place(deep))) <= PATH_BYTES_MAX
    assert socket_place(deep) == socket_place(deep.parent / ".." / deep.parent.name / "socket")
    assert socket_place(deep) != socket_place(deep.with_name("other"))


def test_facts_are_written_whole(tmp_path: Path) -> None:
    facts = Deployment(1, "0.1.0", "local", ("a",), ())
    write_deployment(tmp_path, facts)
    assert read_deployment(tmp_path) == facts
    assert msgspec.json.decode((tmp_path / "consortium.json").read_bytes())["how"] == "local"
