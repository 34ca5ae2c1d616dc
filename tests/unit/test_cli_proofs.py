"""`consortium prove` and `verify-proof`: a record is carried away as a file, and judged where there is no ledger."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from consortium.commands import app
from consortium.commands.folders import save_ledger
from consortium.contracts import load_told_tables
from consortium.core.codec import encode
from consortium.core.contract import Table
from consortium.core.genesis import encode_genesis
from consortium.core.proven import begins_as_proof
from consortium.ledger.rows import height_key
from tests.unit.ledger.governed_kit import Governed
from tests.unit.ledger.ledger_kit import NAMES

Said = tuple[int, str, str]
Say = Callable[..., Said]


class Ran(Governed):
    """A chain whose newest proposal is seen in its state; its head lies above its newest seal."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.decide(self.propose("tune", "first", tuning={"timer_base_us": 50_000}), *map(self.vote, ()))
        self.grow_to(8)
        self.decide(self.vote(NAMES[1], "first"))
        self.sealed, self.head = 8, self.ledger.head_height
        (folder / "nodes" / "ada").mkdir(parents=True)
        save_ledger(folder / "nodes" / "ada" / "ledger.sqlite", self.rows)
        (folder / "genesis.json").write_bytes(encode_genesis(self.genesis))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proofs") / "run"
    folder.mkdir()
    Ran(folder)
    return folder


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Say:
    from consortium.commands import prove as proving
    from tests.unit.ledger.governed_kit import PROGRAM

    monkeypatch.setattr(proving, "load_contracts", lambda: PROGRAM)
    monkeypatch.chdir(tmp_path)

    def said(*words: object) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            app.main([str(word) for word in words])
        told = capsys.readouterr()
        code = left.value.code
        return (code if isinstance(code, int) else 0), told.out, told.err

    return said


def test_a_record_is_proven_out_of_a_run_and_judged_without_it(folder: Path, say: Say, tmp_path: Path) -> None:
    status, told, _ = say("prove", folder, "proposal", "first", "--out", "first.proof")
    assert status == 0 and told.startswith(
        "proposal first after block 8 of chain kit (1970-01-01 08:00 UTC+08:00) was {"
    )
    shutil.copy(folder / "genesis.json", tmp_path / "genesis.json")
    status, judged, _ = say("verify-proof", "first.proof", "genesis.json")
    assert status == 0 and judged == f"proven: {told.splitlines()[0]}\n"
    assert judged.count("\n") == 1


def test_the_state_of_an_unsealed_head_is_proven_as_of_the_newest_seal(folder: Path, say: Say) -> None:
    """The vote of the head's block is not in it."""
    assert '"voices":[["ada",true]]' in say("prove", folder, "proposal", "first", "--out", "now.proof")[1]
    assert say("prove", folder, "proposal", "first", "--at", 1, "--out", "then.proof")[0] == 0
    status, _, why = say("prove", folder, "proposal", "first", "--at", 9, "--out", "head.proof")
    assert status == 2 and "no seal stands at or above height 9" in why


def test_what_is_not_there_is_proven_to_be_absent(folder: Path, say: Say) -> None:
    told = say("prove", folder / "nodes" / "ada", "proposal", "second")[1]
    assert told.startswith("there was no proposal second after block 8")
    status, judged, _ = say("verify-proof", "proposal-second.proof", folder)
    assert status == 0 and "there was no proposal second" in judged


@pytest.mark.parametrize(
    ("what", "identity", "proves"),
    [
        ("header", "3", "the state root "),
        ("members", "0", "the validators of epoch 0 of chain kit are ada, bob, cyd, dan, from height 1 on"),
        ("receipt", "1/0", "was executed, in block 1 of chain kit"),
        ("transaction", "1/0", "ada said governance.propose, transaction "),
    ],
)
def test_what_is_of_no_table_is_proven_too(folder: Path, say: Say, what: str, identity: str, proves: str) -> None:
    assert say("prove", folder, what, identity, "--out", "it.proof")[0] == 0
    status, judged, _ = say("verify-proof", "it.proof", folder)
    assert status == 0 and proves in judged
    fields = msgspec.json.decode(say("verify-proof", "it.proof", folder, "--json")[1])
    assert fields["is_proven"] and fields["proves"] == what


def test_a_bent_proof_proves_nothing_and_says_why(folder: Path, say: Say, tmp_path: Path) -> None:
    say("prove", folder, "proposal", "first", "--out", "good.proof")
    data = bytearray((tmp_path / "good.proof").read_bytes())
    data[60] ^= 1
    (tmp_path / "bent.proof").write_bytes(bytes(data))
    status, told, _ = say("verify-proof", "bent.proof", folder)
    assert status == 1 and told.startswith("PROVES NOTHING: ")
    fields = msgspec.json.decode(say("verify-proof", "bent.proof", folder, "--json")[1])
    assert fields["is_proven"] is False and fields["fault"]


def test_a_proof_of_another_chain_proves_nothing(folder: Path, say: Say, tmp_path: Path) -> None:
    say("prove", folder, "proposal", "first", "--out", "good.proof")
    other = replace(Governed().genesis, name="other")
    (tmp_path / "other.json").write_bytes(encode_genesis(other))
    status, told, _ = say("verify-proof", "good.proof", "other.json")
    assert status == 1 and "not sealed by the members of this genesis" in told


def test_wrong_input_is_one_sentence(folder: Path, say: Say, tmp_path: Path) -> None:
    (tmp_path / "there.proof").write_bytes(b"")
    with (tmp_path / "large.proof").open("wb") as file:
        file.truncate(4_000_001)
    (tmp_path / "not.json").write_text("{}")
    for words, why in {
        ("prove", folder, "nothing", "x"): "nothing is told as 'nothing'; known are account, ",
        ("prove", folder, "header", "x"): "'x' is not a height: expected a number",
        ("prove", folder, "receipt", "3"): "expected HEIGHT/INDEX",
        ("prove", folder, "receipt", "1/7"): "there is no 7",
        ("prove", folder, "header", "999"): "no seal stands at or above height 999",
        ("prove", folder, "header", "1", "--at", "3"): "--at is for records of the state",
        ("prove", folder, "bill", "§"): "'§' is no bill",
        ("prove", folder, "claim", "P1"): "'P1' is no claim: expected psn_no/year/sequence, as in P1/2026/1",
        ("prove", folder, "claim", "P1/2026/0"): "'P1/2026/0' is no claim: sequence",
        ("prove", folder, "claim", "P1/2026/١"): "'P1/2026/١' is no claim: expected",
        ("verify", "nowhere"): "there is no nowhere: name a ledger.sqlite",
        ("prove", folder, "proposal", "a\x01"): "printable text",
        ("prove", folder, "proposal", "a" * 600): "1 to 512 characters, got 600",
        ("prove", folder, "proposal", "first", "--node", "eve"): "no ledger of a node 'eve'",
        ("prove", folder, "proposal", "first", "--at", "99"): "it ends at height 9",
        ("prove", folder, "proposal", "first", "--at", "-1"): "has not all blocks up to height -1",
        ("prove", folder, "proposal", "first", "--out", "there.proof"): "exists already",
        ("prove", folder, "proposal", "first", "--out", "no/where.proof"): "there is no folder no",
        ("prove", tmp_path, "proposal", "first"): "holds no nodes/NAME/ledger.sqlite",
        ("verify-proof", "none.proof", folder): "there is no proof none.proof",
        ("verify-proof", "there.proof", "none.json"): "there is no genesis file none.json",
        ("verify-proof", "there.proof", "not.json"): "not a genesis file",
        ("verify-proof", "large.proof", folder): "a proof has at most 4,000,000",
    }.items():
        status, told, error = say(*words)
        assert (status, told) == (2, ""), words
        assert why in error and error.startswith("consortium: ") and error.count("\n") == 1, (words, error)


def test_a_file_that_is_no_proof_is_told_so_and_what_makes_one(folder: Path, say: Say, tmp_path: Path) -> None:
    """Regression: of a text it said «Expected `array`, got `int`»."""
    say("prove", folder, "header", "3", "--out", "good.proof")
    cut = (tmp_path / "good.proof").read_bytes()[:100]
    for name, data in {
        "empty": b"",
        "text": b"hello",
        "json": b"{}",
        "other": encode(["Header", 3]),
        "cut": cut,
    }.items():
        (tmp_path / name).write_bytes(data)
        status, told, _ = say("verify-proof", name, folder)
        if name == "cut":
            assert (status, told) == (1, "PROVES NOTHING: not such a proof: Input data was truncated\n")
        else:
            fault = f"{name} is no proof; `consortium prove` makes one out of a run"
            assert (status, told) == (1, f"PROVES NOTHING: {fault}\n")
            assert msgspec.json.decode(say("verify-proof", name, folder, "--json")[1])["fault"] == fault


@pytest.mark.parametrize("what", ["header 3", "members 0", "receipt 1/0", "transaction 1/0", "proposal first"])
def test_what_every_proof_begins_with_is_known(folder: Path, say: Say, tmp_path: Path, what: str) -> None:
    say("prove", folder, *what.split(), "--out", "it.proof")
    assert begins_as_proof((tmp_path / "it.proof").read_bytes())


def test_a_ledger_that_was_bent_gives_no_proof_away(tmp_path: Path, say: Say) -> None:
    folder = tmp_path / "bent"
    folder.mkdir()
    ran = Ran(folder)
    rows = ran.rows.copy()
    batch = rows.get("batch", height_key(3))
    assert batch is not None
    rows.stage([("batch", height_key(4), batch)])
    (folder / "nodes" / "ada" / "ledger.sqlite").unlink()
    save_ledger(folder / "nodes" / "ada" / "ledger.sqlite", rows)
    status, told, error = say("prove", folder, "proposal", "first", "--out", "p.proof")
    assert (status, told) == (2, "") and "not the one that its batches make" in error
    assert not (tmp_path / "p.proof").exists()


def test_every_word_is_told_once_and_in_the_help() -> None:
    tables = load_told_tables()
    assert {"account", "bill", "claim", "code"} <= set(tables)
    assert all(re.fullmatch(r"[a-z-]+", word) for word in tables)
    help_text = app.all_commands()["prove"].help
    assert all(f"{word} ID" in help_text for word in tables)
    assert tables["claim"].key_of("P1/2026/1") == tables["claim"].key_of("P1/2026/000001") == "P1/2026/000001"
    assert tables["bill"].key_of("Ｈ1 - 01") == tables["bill"].key_of("h1-01")


def test_two_tables_told_alike_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from consortium import contracts
    from consortium.core.discovery import NameTaken
    from tests.unit.ledger.ledger_kit import Tally

    class Module:
        TWIN: Table[Tally] = Table("twin", Tally, told_as="bill")

    monkeypatch.setattr(contracts, "plugins", lambda: (Module,))
    with pytest.raises(NameTaken, match="both told as 'bill'"):
        load_told_tables()
