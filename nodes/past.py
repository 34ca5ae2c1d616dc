"""The ledger of a node of a run, finished or not, opened to be read: state, members, receipts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from consortium.contracts import load_contracts
from consortium.core.calendar import compute_day
from consortium.core.contract import Contract, Reader
from consortium.core.crypto import SUITES
from consortium.core.errors import UserError
from consortium.core.genesis import Genesis, decode_genesis
from consortium.core.membership import Epochs
from consortium.core.transaction import Bundles
from consortium.ledger.chain import Ledger
from consortium.ledger.rule_book import RuleBook
from consortium.plugins.record import check_record
from consortium.runs.folder import LEDGER_FILE, check_format
from nodes.process.store import SqliteRows


class Past(NamedTuple):
    """A booted ledger, its rows, and the file that they lie in."""

    ledger: Ledger
    rows: SqliteRows
    path: Path

    @property
    def contracts(self) -> Mapping[str, Contract]:
        return contracts_of(self.ledger)


def contracts_of(ledger: Ledger) -> Mapping[str, Contract]:
    """Those that exist at the height after the head, each in the version that executes it."""
    return RuleBook(load_contracts(), ledger.reader).at(ledger.head_height + 1).contracts


def ledger_file(run: Path, member: str) -> Path:
    """The ledger that `member` keeps, or, of a member that keeps none, that of the first node by name. Raises
    UserError."""
    if not (run / "genesis.json").is_file():
        raise UserError(f"{run} is not the folder of a run: it has no genesis.json")
    check_format(run)
    own = run / "nodes" / member / LEDGER_FILE
    if member and own.is_file():
        return own
    others = sorted((run / "nodes").glob(f"*/{LEDGER_FILE}"))
    if not others:
        raise UserError(f"{run} holds no ledger: nodes/NAME/{LEDGER_FILE}")
    return others[0]


def open_past(run: Path, member: str) -> Past:
    """The booted ledger of `ledger_file`; its rows are the caller's to close. Raises UserError, Damaged,
    GenesisError."""
    path = ledger_file(run, member)
    check_record(run)
    genesis = _read_genesis(run / "genesis.json")
    rows = SqliteRows(path, read_only=True)
    try:
        bundles = Bundles(genesis.chain, SUITES[genesis.suite]())
        ledger = Ledger(genesis, rows, load_contracts(), bundles, Epochs((genesis.first_epoch,)))
        if rows.get("meta", b"head") is None:
            raise UserError(f"{path} holds no block")
        ledger.boot()
    except BaseException:
        rows.close()
        raise
    return Past(ledger, rows, path)


def _read_genesis(path: Path) -> Genesis:
    try:
        return decode_genesis(path.read_bytes())
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


def reader_of(ledger: Ledger, member: str) -> Reader:
    """Who asks, as the registry knows it after the head. Raises UserError where it is no member."""
    epoch = ledger.epochs.at(ledger.head_height + 1)
    found = epoch.by_name.get(member)
    if found is None:
        names = ", ".join(each.name for each in epoch.members)
        raise UserError(f"{member!r} is no member after height {ledger.head_height}; members are {names}")
    day = compute_day(ledger.head.time_us, ledger.genesis.parameters.utc_offset_minutes)
    return Reader(member, found.role, day)
