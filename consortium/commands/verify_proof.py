"""`consortium verify-proof`: what a file proves, judged from a genesis file alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.command import EXIT_UNSAFE, LOOK, Command, Json, print_json
from consortium.commands.folders import read_our_genesis
from consortium.commands.held_files import hold_against, shown_fields, tell_disclosed, tell_file
from consortium.commands.proof_words import fields_of, tell
from consortium.core.disclosure import Disclosed, begins_as_disclosure, judge_disclosure
from consortium.core.errors import UserError
from consortium.core.proven import GENESIS_BYTES_MAX, PROOF_BYTES_MAX, Anchor, ProofError, begins_as_proof, judge_from


def verify_proof(
    proof: Annotated[Path, typer.Argument(metavar="FILE", help="What `consortium prove` or `disclose` wrote.")],
    genesis: Annotated[
        Path, typer.Argument(metavar="GENESIS", help="The genesis.json of the chain; or a run's folder.")
    ],
    file: Annotated[
        Path | None, typer.Option(help="A document, or a record out of `unseal`, to hold against what is proven.")
    ] = None,
    json: Json = False,
) -> None:
    source = genesis / "genesis.json" if genesis.is_dir() else genesis
    _check_size(source, GENESIS_BYTES_MAX, "genesis file")
    trusted = read_our_genesis(source)
    _check_size(proof, PROOF_BYTES_MAX, "proof")
    data = proof.read_bytes()
    try:
        disclosed = judge_disclosure(Anchor.of(trusted), data) if begins_as_disclosure(data) else None
        proven = judge_from(Anchor.of(trusted), data) if disclosed is None else disclosed.proven
    except ProofError as error:
        is_one = begins_as_proof(data) or begins_as_disclosure(data)
        fault = str(error) if is_one else f"{proof} is no proof; `consortium prove` makes one out of a run"
        if json:
            print_json({"format": 1, "proof": str(proof), "is_proven": False, "fault": fault})
        else:
            typer.echo(f"PROVES NOTHING: {fault}")
        raise typer.Exit(EXIT_UNSAFE) from None
    held = None if file is None else hold_against(file, proven)
    if json:
        more = {} if disclosed is None else {"shown": shown_fields(disclosed), "of": disclosed.of}
        more |= {} if file is None else {"file": str(file), "is_unaltered": held != "", "as": held}
        print_json({"format": 1, "proof": str(proof), "is_proven": True, **fields_of(proven, trusted), **more})
    else:
        _tell(tell(proven, trusted), disclosed, file, held)
    if held == "":
        raise typer.Exit(EXIT_UNSAFE)


def _tell(proven: str, disclosed: Disclosed | None, file: Path | None, held: str | None) -> None:
    typer.echo(f"proven: {proven}")
    if disclosed is not None:
        typer.echo(tell_disclosed(disclosed))
    if file is not None and held is not None:
        typer.echo(tell_file(file, held))


def _check_size(path: Path, bytes_max: int, what: str) -> None:
    """Before anything of it is read. Raises UserError."""
    if not path.is_file():
        raise UserError(f"there is no {what} {path}")
    size = path.stat().st_size
    if size > bytes_max:
        raise UserError(f"{path} has {size:,} bytes: a {what} has at most {bytes_max:,}")


COMMAND = Command(
    "verify-proof",
    "Judge a proof without a ledger, from the genesis file of its chain alone: one sentence says what it proves.\n\n"
    "With --file it says whether a document or a record is what the proven row commits to, unaltered.\n\n"
    "\b\nExamples:\n  consortium verify-proof bill-i-pharmacy-1-reuse-000.proof genesis.json\n"
    "  consortium verify-proof pool.proof runs/RUN --json\n"
    "  consortium verify-proof fields.disclosure runs/EXCHANGE\n"
    "  consortium verify-proof data-set runs/TRIAL --file data.record\n\n"
    "Exit status: 0 proven, 1 it proves nothing (the sentence says why) or the file is altered, "
    "2 wrong usage or input.",
    verify_proof,
    LOOK,
)
