"""`consortium unseal`: a private record of a run, out of the box of a member that may have it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.command import LOOK, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.tables import Column, show_table
from consortium.commands.unsealing import shown_value, unseal_record, write_new
from consortium.core.codec import Malformed, encode
from consortium.core.fields import fields_of

RunFolder = Annotated[Path, typer.Argument(help="The folder of a run that is over.", metavar="RUN")]
Member = Annotated[str, typer.Argument(help="The member that keeps the record.", metavar="MEMBER")]
Handle = Annotated[str, typer.Argument(help="record/NUMBER, dataset/TRIAL/SITE/VERSION, lines/BILL.", metavar="HANDLE")]
Out = Annotated[Path | None, typer.Option(help="Where to write it.")]
PassphraseFile = Annotated[
    Path | None, typer.Option(help="A file with the passphrase of the member's keys, where they are locked.")
]


def unseal(
    run: RunFolder,
    member: Member,
    handle: Handle,
    out: Out = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    unsealed = unseal_record(run, member, handle, passphrase_file)
    try:
        shown = {name: shown_value(value) for name, value in fields_of(unsealed.record).items()}
    except Malformed:
        shown = {"record": unsealed.record.hex()}
    if out is not None:
        write_new(out, encode(unsealed))
    words = spoken()
    if json:
        print_json({"format": 1, "handle": handle, "member": member, "fields": shown})
        return
    show_table(make_console(), (Column(words("field")), Column(words("value"))), list(shown.items()))
    if out is not None:
        typer.echo(
            words(
                "written: {file}; hold it against a proof with: consortium verify-proof PROOF GENESIS --file {file}",
                file=out,
            )
        )


COMMAND = Command(
    "unseal",
    "Show a private record of a run out of the box of a member that keeps it, with that member's keys; and write it as "
    "a file that can be held against the ledger.\n\nWhoever has a member's disk and keys can do so, and no audit tells "
    "of it: of a consortium that stands, the gateway gives records, and writes that down first.\n\n"
    "\b\nExamples, of a run of scenarios/systems/exchange.py and one of trial.py:\n"
    "  consortium unseal runs/EXCHANGE hospital-2 record/hospital-1:r-0000\n"
    "  consortium unseal runs/TRIAL researcher dataset/sponsor:t-1/hospital-2/0001 --out data.record\n\n"
    "Exit status: 0 shown, 2 wrong usage or input.",
    unseal,
    LOOK,
)
