"""`consortium audit`: everything that a ledger proves of one case, in a folder that an auditor judges offline."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from consortium.commands.at_work import at_work
from consortium.commands.command import EXIT_UNSAFE, LOOK, Command
from consortium.commands.folders import read_our_genesis
from consortium.commands.language import spoken
from consortium.commands.past import opened
from consortium.commands.proof_words import tell
from consortium.contracts import load_contracts, load_told_tables
from consortium.contracts.access import SUPERVISORS
from consortium.core.errors import UserError
from consortium.core.genesis import Genesis
from consortium.core.machine import Rows
from consortium.core.proven import (
    PROOF_BYTES_MAX,
    Anchor,
    ProofError,
    Proven,
    ProvenReceipt,
    ProvenState,
    ProvenTransaction,
    judge_from,
)
from consortium.ledger.certificate import newest_seal
from consortium.ledger.chain import Ledger
from consortium.ledger.past import ledger_at
from consortium.runs.folder import write_whole
from consortium.stories.case_file import Piece, find_parts, prove_parts, prove_steps
from nodes.past import Past, reader_of

MANIFEST, GENESIS, README = "case.json", "genesis.json", "README.md"
AUDITORS = SUPERVISORS | {"auditor"}
_README = """# {word} {key}

What the ledger of the chain {chain} proves of this case as of block {height}: {count} proofs, listed in `{manifest}`.

    consortium audit {folder}

judges each of them again, without a ledger and without a network. It trusts `{genesis}`: compare the chain's name above
with what you know of it, or give your own file with `--genesis`. A single file is judged by `consortium verify-proof`.
"""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One proof: what it is of, its file, the digest of its bytes."""

    word: str
    key: str
    file: str
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What lies in the folder. `height`: the state that records are proven of."""

    format: int
    word: str
    key: str
    chain: str
    height: int
    proofs: tuple[Entry, ...]


def audit(
    folder: Annotated[Path, typer.Argument(metavar="RUN|PACKAGE", help="The folder of a run, or a package to judge.")],
    what: Annotated[str, typer.Argument(metavar="WHAT", help="finding, claim, bill, …")] = "",
    identity: Annotated[str, typer.Argument(metavar="ID", help="Its key, as the ledger has it.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where to. Default: audit-WHAT-ID.")] = None,
    member: Annotated[str, typer.Option(metavar="MEMBER", help="Who audits, out of whose ledger.")] = "",
    genesis: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The genesis that a package is judged by.")
    ] = None,
) -> None:
    if not what:
        judge_package(folder, genesis)
        return
    if not identity:
        raise UserError(f"audit {folder} {what}: expected the ID of a {what}, too")
    target = out or Path(f"audit-{what}-{identity.replace('/', '-')[:80]}")
    if target.exists():
        raise UserError(f"{target} exists already; name another folder with --out, or remove it first")
    with opened(folder, member) as past:
        _check_auditor(past, member)
        height, pieces = _collect(past, what, identity)
        found = past.ledger.genesis
    _write(target, folder / GENESIS, found, height, pieces)
    typer.echo(spoken()("written: {path}", path=f"{target} ({len(pieces)} proofs, block {height})"))
    typer.echo(spoken()("judge it anywhere: {command}", command=f"consortium audit {target}"))


def _check_auditor(past: Past, member: str) -> None:
    if member and (role := reader_of(past.ledger, member).role) not in AUDITORS:
        why = f"a {role} audits nobody: {', '.join(sorted(AUDITORS))} do"
        typer.echo(spoken()("refused: {code}: {why}", code="not-permitted", why=why))
        raise typer.Exit(EXIT_UNSAFE)


def _collect(past: Past, what: str, identity: str) -> tuple[int, list[Piece]]:
    """Out of the head where it is sealed; else of the newest sealed block, which is executed again."""
    sealed, seal = newest_seal(past.rows)
    if seal is None:
        raise UserError("nothing of this ledger is sealed yet; ask again when it is")
    ledger, rows, height = past.ledger, past.rows, min(past.ledger.head_height, sealed)
    at: tuple[Ledger, Rows] = (ledger, rows)
    try:
        with at_work(spoken()("collecting what is proven")) as told:
            if height < ledger.head_height:
                again = ledger_at(ledger.genesis, rows, load_contracts(), height, told)
                if again is None:
                    raise UserError(f"this ledger has not all blocks up to height {height}: ask an archive")
                at = again
            parts = find_parts(at[0].reader, what, identity)
            pieces = [*prove_parts(*at, parts), *prove_steps(ledger, rows, parts, sealed, told)]
    except ProofError as error:
        raise UserError(str(error)) from None
    return height, pieces


def _write(target: Path, source: Path, genesis: Genesis, height: int, pieces: list[Piece]) -> None:
    """All files of the package; each proof is judged before it is handed out."""
    anchor = Anchor.of(genesis)
    (target / "proofs").mkdir(parents=True)
    entries = []
    for place, piece in enumerate(pieces):
        judge_from(anchor, piece.proof)
        name = f"proofs/{place:03d}-{piece.word}-{_plain(piece.key)}.proof"
        write_whole(target / name, piece.proof)
        entries.append(Entry(piece.word, piece.key, name, sha256(piece.proof).hexdigest()))
    first = pieces[0]
    manifest = Manifest(1, first.word, first.key, genesis.chain.hex(), height, tuple(entries))
    write_whole(target / GENESIS, source.read_bytes())
    write_whole(target / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    words = {"word": first.word, "key": first.key, "chain": genesis.chain.hex(), "height": height}
    words |= {"count": len(entries), "manifest": MANIFEST, "folder": target.name, "genesis": GENESIS}
    write_whole(target / README, _README.format(**words).encode())


def _plain(key: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in key)[:60]


# --- judged again ---------------------------------------------------------------------------------------------------


class _Judged(NamedTuple):
    """What a proof says, or why it proves nothing."""

    sentence: str
    is_proven: bool


def judge_package(folder: Path, genesis: Path | None) -> None:
    """Every proof anew, from the genesis alone. Leaves with 1 where one of them proves nothing, or something else than
    the list says."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise UserError(f"{folder} is neither a case's package nor was a record named: {error}") from None
    trusted = read_our_genesis(genesis or folder / GENESIS)
    anchor = Anchor.of(trusted)
    judged = [_judge(folder, entry, anchor, trusted) for entry in manifest.proofs]
    for one in judged:
        typer.echo(("proven: " if one.is_proven else "PROVES NOTHING: ") + one.sentence)
    wrong = sum(not one.is_proven for one in judged)
    words = spoken()
    if wrong:
        typer.echo(words("{wrong} of {count} proofs prove nothing", wrong=wrong, count=len(judged)))
        raise typer.Exit(EXIT_UNSAFE)
    typer.echo(words("all {count} proofs hold, of the chain {chain}", count=len(judged), chain=trusted.chain.hex()))


def _judge(folder: Path, entry: Entry, anchor: Anchor, genesis: Genesis) -> _Judged:
    path = folder / entry.file
    if path.resolve().parent != (folder / "proofs").resolve() or not path.is_file():
        return _Judged(f"{entry.file} is not there", False)
    if path.stat().st_size > PROOF_BYTES_MAX:
        return _Judged(f"{entry.file} is larger than any proof", False)
    data = path.read_bytes()
    if sha256(data).hexdigest() != entry.sha256:
        return _Judged(f"{entry.file} is not the file that was written", False)
    try:
        proven = judge_from(anchor, data)
    except ProofError as error:
        return _Judged(f"{entry.file}: {error}", False)
    if not _is_of(proven, entry):
        return _Judged(f"{entry.file} is not of {entry.word} {entry.key}: {tell(proven, genesis)}", False)
    return _Judged(tell(proven, genesis), True)


def _is_of(proven: Proven, entry: Entry) -> bool:
    """Whether a proof is of what the list says: the row of a table, or a transaction of a block or its receipt."""
    if isinstance(proven, ProvenState):
        table = load_told_tables().get(entry.word)
        return table is not None and (proven.table, proven.key) == (table.name, entry.key)
    if not isinstance(proven, ProvenReceipt | ProvenTransaction):
        return False
    word = "receipt" if isinstance(proven, ProvenReceipt) else "transaction"
    return (entry.word, entry.key.partition("/")[0]) == (word, str(proven.header.height))


COMMAND = Command(
    "audit",
    "Collect what a ledger proves of one case, in a folder that an auditor judges offline; or judge such a folder.\n\n"
    "A case begins with a finding, a claim, a bill or another record, and takes in what that names: the claims of a "
    "finding, their bills, the accused, and all transactions about them with their receipts.\n\n"
    "\b\nExamples:\n  consortium audit runs/oversight finding regulator:overlapping_stays.0123456789ab\n"
    "  consortium audit runs/RUN bill i-pharmacy-1-reuse-000 --out case\n"
    "  consortium audit case\n  consortium audit case --genesis mine/genesis.json\n\n"
    "Exit status: 0 written, or all proven; 1 refused, or something proves nothing; 2 wrong usage or input.",
    audit,
    LOOK,
)
