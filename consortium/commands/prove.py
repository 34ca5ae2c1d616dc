"""`consortium prove`: a record of a run's ledger, as a file that convinces whoever has the genesis file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from consortium.commands.at_work import at_work
from consortium.commands.command import LOOK, Command
from consortium.commands.folders import read_our_genesis
from consortium.commands.language import spoken
from consortium.commands.proof_words import tell
from consortium.contracts import load_contracts, load_told_tables
from consortium.core.contract import Refused, Table
from consortium.core.crypto import SUITES
from consortium.core.errors import UserError
from consortium.core.genesis import Genesis
from consortium.core.membership import Epochs
from consortium.core.proven import Anchor, ProofError, judge_from
from consortium.core.transaction import Bundles
from consortium.ledger.certificate import newest_seal
from consortium.ledger.chain import Ledger
from consortium.ledger.past import ledger_at
from consortium.ledger.proofs import (
    complete_state_proof,
    prove_header,
    prove_members,
    prove_receipt,
    prove_transaction,
    take_state_evidence,
)
from consortium.ledger.rows import read_height
from consortium.plugins.record import check_record
from consortium.runs.folder import LEDGER_FILE
from nodes.process.store import SqliteRows

KEY_CHARACTERS_MAX = 512


def prove(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or of one of its nodes.", metavar="RUN")],
    what: Annotated[str, typer.Argument(help="claim, bill, account, code, …: `consortium prove --help` names all.")],
    identity: Annotated[str, typer.Argument(metavar="ID", help="Its key, as the ledger has it.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the proof. Default: WHAT-ID.proof.")] = None,
    node: Annotated[str, typer.Option(help="Out of this node's ledger. Default: the one with the newest seal.")] = "",
    at: Annotated[int | None, typer.Option(metavar="HEIGHT", help="As it was after this block.")] = None,
) -> None:
    target = out or Path(f"{what}-{identity.replace('/', '-')[:80]}.proof")
    _check_target(target)
    wanted = _Wanted(what, identity, at)
    _check_words(wanted)
    genesis, proof = _prove(run, node, wanted)
    proven = judge_from(Anchor.of(genesis), proof)  # nothing is handed out that would not convince
    target.write_bytes(proof)
    typer.echo(tell(proven, genesis))
    named = shlex.quote(str(target))
    typer.echo(f"written: {target} ({len(proof):,} bytes); judge it with: consortium verify-proof {named} GENESIS")


def prove_row(run: Path, what: str, identity: str) -> bytes:
    """The proof of a row of the state as it is sealed now, by the word that its table is told by. Raises UserError."""
    return _prove(run, "", _Wanted(what, identity, None))[1]


def _prove(run: Path, node: str, wanted: _Wanted) -> tuple[Genesis, bytes]:
    path, genesis = _find_ledger(run, node)
    rows = SqliteRows(path, read_only=True)
    try:
        return genesis, _make(genesis, rows, wanted)
    except ProofError as error:
        raise UserError(f"{path}: {error}") from None
    finally:
        rows.close()


class _Wanted(NamedTuple):
    """`height`: as it was after this block; None = as it is sealed now."""

    what: str
    identity: str
    height: int | None


_Make = Callable[[Genesis, SqliteRows, _Wanted], bytes]


def _of_header(genesis: Genesis, rows: SqliteRows, wanted: _Wanted) -> bytes:
    return prove_header(rows, _number(wanted.identity, "a height"))


def _of_members(genesis: Genesis, rows: SqliteRows, wanted: _Wanted) -> bytes:
    return prove_members(rows, _number(wanted.identity, "an epoch's number"))


def _of_receipt(genesis: Genesis, rows: SqliteRows, wanted: _Wanted) -> bytes:
    return prove_receipt(rows, *_place(wanted.identity))


def _of_transaction(genesis: Genesis, rows: SqliteRows, wanted: _Wanted) -> bytes:
    return prove_transaction(genesis, rows, *_place(wanted.identity))


# What is of no table: the word, what its ID is, and how it is proven.
_OTHERS: Mapping[str, tuple[str, _Make]] = {
    "header": ("HEIGHT", _of_header),
    "members": ("EPOCH", _of_members),
    "receipt": ("HEIGHT/INDEX", _of_receipt),
    "transaction": ("HEIGHT/INDEX", _of_transaction),
}


def _make(genesis: Genesis, rows: SqliteRows, wanted: _Wanted) -> bytes:
    other = _OTHERS.get(wanted.what)
    return other[1](genesis, rows, wanted) if other is not None else _of_state(genesis, rows, wanted)


def _of_state(genesis: Genesis, rows: SqliteRows, wanted: _Wanted) -> bytes:
    """Out of the head where it is sealed; else as of the newest seal, whose state is executed again."""
    table = load_told_tables()[wanted.what]
    key = _key(table, wanted.identity)
    sealed, seal = newest_seal(rows)
    if seal is None:
        raise ProofError("nothing of this ledger is sealed yet; ask again when it is")
    head = read_height((rows.get("meta", b"head") or b"")[:8] or None)
    height = min(head, sealed) if wanted.height is None else wanted.height
    if height == head:
        bundles = Bundles(genesis.chain, SUITES[genesis.suite]())
        ledger = Ledger(genesis, rows, load_contracts(), bundles, Epochs((genesis.first_epoch,)))
        with at_work(spoken()("reading the ledger")):
            ledger.boot()
        return complete_state_proof(rows, take_state_evidence(ledger, rows, table.name, key))
    with at_work(spoken()("executing the blocks again")) as told:
        past = ledger_at(genesis, rows, load_contracts(), height, told) if 0 <= height < head else None
    if past is None:
        raise ProofError(f"this ledger has not all blocks up to height {height}: it ends at height {head}")
    return complete_state_proof(rows, take_state_evidence(*past, table.name, key))


def _key(table: Table[Any], identity: str) -> str:
    try:
        return table.key_of(identity)
    except Refused as refusal:
        raise UserError(f"{identity!r} is no {table.told_as}: {refusal.sentence}") from None


# --- what a person named --------------------------------------------------------------------------------------------


def _check_words(wanted: _Wanted) -> None:
    tables = load_told_tables()
    if wanted.what not in tables and wanted.what not in _OTHERS:
        raise UserError(f"nothing is told as {wanted.what!r}; known are {', '.join(sorted([*tables, *_OTHERS]))}")
    if wanted.what in _OTHERS and wanted.height is not None:
        raise UserError(f"--at is for records of the state; a {wanted.what} names its own height")
    if not 1 <= len(wanted.identity) <= KEY_CHARACTERS_MAX or "\x00" in wanted.identity:
        raise UserError(f"an ID has 1 to {KEY_CHARACTERS_MAX} characters, got {len(wanted.identity)}")
    if not wanted.identity.isprintable():
        raise UserError("an ID is printable text: this one holds other characters")


def _check_target(target: Path) -> None:
    if target.exists():
        raise UserError(f"{target} exists already; name another file with --out, or remove it first")
    if not target.parent.is_dir():
        raise UserError(f"{target}: there is no folder {target.parent}; make it first, or name another with --out")


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise UserError(f"{text!r} is not {what}: expected a number, as in 128")
    return int(text)


def _place(text: str) -> tuple[int, int]:
    height, slash, index = text.partition("/")
    if not slash:
        raise UserError(f"{text!r}: expected HEIGHT/INDEX, as in 128/0 for the first of block 128")
    return _number(height, "a height"), _number(index, "an index")


def _find_ledger(run: Path, node: str) -> tuple[Path, Genesis]:
    """The ledger that is asked, and the genesis of its run. Raises UserError."""
    if (run / LEDGER_FILE).is_file():
        path, folder = run / LEDGER_FILE, run.resolve().parent.parent
    else:
        path, folder = _of_run(run, node), run
    genesis = read_our_genesis(folder / "genesis.json")
    check_record(folder)
    return path, genesis


def _of_run(run: Path, node: str) -> Path:
    ledgers = {path.parent.name: path for path in sorted((run / "nodes").glob(f"*/{LEDGER_FILE}"))}
    if not ledgers:
        raise UserError(f"{run} holds no nodes/NAME/{LEDGER_FILE}: name the folder of a run, or of a node in it")
    if node and node not in ledgers:
        raise UserError(f"there is no ledger of a node {node!r} in {run}; there are {', '.join(ledgers)}")
    return ledgers[node] if node else max(ledgers.values(), key=_sealed_height)


def _sealed_height(path: Path) -> int:
    rows = SqliteRows(path, read_only=True)
    try:
        return newest_seal(rows)[0]
    finally:
        rows.close()


def _words(tables: Mapping[str, Table[object]]) -> str:
    others = [f"{word} {what}" for word, (what, _) in _OTHERS.items()]
    return ", ".join([*(f"{word} ID" for word in tables), *others])


COMMAND = Command(
    "prove",
    "Write a proof of one record of a run's ledger: a file that convinces with the genesis file alone.\n\n"
    f"What can be proven: {_words(load_told_tables())}. A record that is not there is proven to be absent.\n\n"
    "A claim is psn_no/year/sequence; pseudonyms are others in every run, and `consortium view RUN statement` lists "
    "them.\n\n"
    "\b\nExamples, of a run of claim_day:\n  consortium prove runs/RUN bill i-pharmacy-1-reuse-000\n"
    "  consortium prove runs/RUN account fund/employee-pool --at 120 --out pool.proof\n"
    "  consortium prove runs/RUN/nodes/bureau receipt 128/0\n\n"
    "Exit status: 0 written, 2 wrong usage or input, or nothing of it is sealed yet.",
    prove,
    LOOK,
)
