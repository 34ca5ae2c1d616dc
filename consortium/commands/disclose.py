"""`consortium disclose`: some fields of a private record, as a file that convinces and shows nothing of the others."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.command import LOOK, Command
from consortium.commands.folders import read_our_genesis
from consortium.commands.language import spoken
from consortium.commands.prove import prove_row
from consortium.commands.unseal import Handle, Member, PassphraseFile, RunFolder
from consortium.commands.unsealing import unseal_record, write_new
from consortium.contracts.records.catalogue import load_kinds
from consortium.core.codec import Malformed, encode
from consortium.core.disclosure import FORMAT, Disclosure, judge_disclosure
from consortium.core.errors import UserError
from consortium.core.fields import Opening, fields_of, open_fields
from consortium.core.proven import Anchor, ProofError
from consortium.core.unsealed import UnsealedRecord

Names = Annotated[list[str], typer.Argument(help="The fields to show.", metavar="FIELD...")]
To = Annotated[Path, typer.Option(help="Where to write it.")]


def disclose(
    run: RunFolder,
    member: Member,
    handle: Handle,
    fields: Names,
    out: To = Path("fields.disclosure"),
    passphrase_file: PassphraseFile = None,
) -> None:
    name, _, key = handle.partition("/")
    word = _told_in(name)
    unsealed = unseal_record(run, member, handle, passphrase_file)
    openings = _open(unsealed, fields)
    genesis, proof = read_our_genesis(run / "genesis.json"), prove_row(run, word, key)
    data = encode(Disclosure(FORMAT, proof, openings))
    try:
        judge_disclosure(Anchor.of(genesis), data)  # nothing is handed out that would not convince
    except ProofError as error:
        raise UserError(f"the ledger does not commit to these fields of {handle}: {error}") from None
    write_new(out, data)
    typer.echo(
        spoken()(
            "{shown} of {count} fields of {handle}, written: {file} ({size:,} bytes); judge it with: "
            "consortium verify-proof {quoted} GENESIS",
            shown=len(openings),
            count=openings[0].size,
            handle=handle,
            file=out,
            size=len(data),
            quoted=shlex.quote(str(out)),
        )
    )


def _told_in(name: str) -> str:
    """The word of the table that commits to single fields of records of this kind."""
    kinds = {each: kind.fields_in for each, kind in load_kinds().items() if kind.fields_in}
    if name not in kinds:
        raise UserError(
            f"no ledger commits to single fields of {name!r}; it does to those of {', '.join(sorted(kinds))}"
        )
    return kinds[name]


def _open(unsealed: UnsealedRecord, fields: list[str]) -> tuple[Opening, ...]:
    try:
        held = fields_of(unsealed.record)
        unknown = [field for field in fields if field not in held]
        if unknown:
            raise UserError(f"{unsealed.handle} has no field {', '.join(unknown)}; it has {', '.join(held)}")
        return open_fields(unsealed.salt, unsealed.record, list(dict.fromkeys(fields)))
    except Malformed as error:
        raise UserError(f"{unsealed.handle}: {error}") from None


COMMAND = Command(
    "disclose",
    "Show some fields of a private record to somebody else, and nothing of the others: «the diagnosis, not the "
    "address».\n\nThe file holds the fields, a proof that they are of the record that the ledger commits to, and how "
    "many fields that record has. Who has the genesis file judges it without a ledger.\n\n"
    "\b\nExamples, of a run of scenarios/systems/exchange.py and one of trial.py:\n"
    "  consortium disclose runs/EXCHANGE hospital-1 record/hospital-1:r-0000 diagnosis\n"
    "  consortium verify-proof fields.disclosure runs/EXCHANGE\n"
    "  consortium disclose runs/EXCHANGE hospital-2 record/hospital-1:r-0001 diagnosis therapy --out two.disclosure\n\n"
    "Exit status: 0 written, 2 wrong usage or input, or nothing of it is sealed yet.",
    disclose,
    LOOK,
)
