"""Out of a box of a run, with the keys of the member that keeps it: what `unseal` and `disclose` share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from consortium.commands.folders import open_vault, read_our_genesis
from consortium.core.codec import Malformed
from consortium.core.crypto import SUITES
from consortium.core.errors import UserError
from consortium.core.membership import Purpose
from consortium.core.unsealed import UnsealedRecord
from consortium.core.vault import BOX
from consortium.runs.folder import PRIVATE_FILE, is_standing
from consortium.scenario.scenario import Scenario
from consortium.simulation.run import secrets_of
from consortium.vault.locksmith import Locksmith
from nodes.process.key_lock import no_passphrase
from nodes.process.keys import load_keys, passphrase_of
from nodes.process.settings import NodeFolder


def unseal_record(run: Path, member: str, handle: str, passphrase: Path | None) -> UnsealedRecord:
    """Raises UserError."""
    if is_standing(run):
        raise UserError(
            f"{run} stands: ask the gateway of {member} for the record, which writes into the audit of reads"
        )
    genesis = read_our_genesis(run / "genesis.json")
    store = run / "nodes" / member / PRIVATE_FILE
    if not store.is_file():
        raise UserError(f"{member} has no private store in {run}: name a member that keeps records")
    stored = open_vault(store).get(handle)
    if stored is None:
        raise UserError(f"{member} keeps no record {handle!r}: it never had it, or had to let it go")
    smith = Locksmith(SUITES[genesis.suite](), _secrets(run, member, passphrase), member)
    try:
        contents = smith.open(BOX.decode(stored))
    except Malformed as error:
        raise UserError(f"the box of {handle} cannot be opened with the keys of {member}: {error}") from None
    return UnsealedRecord(handle, contents.salt, contents.record)


def _secrets(run: Path, member: str, passphrase: Path | None) -> Mapping[Purpose, bytes]:
    """Those that its process had; of a simulation, those of its published seed."""
    keys = NodeFolder(run, member).keys
    if keys.is_dir():
        return load_keys(keys, no_passphrase if passphrase is None else passphrase_of(passphrase))
    try:
        scenario = msgspec.json.decode((run / "scenario.json").read_bytes(), type=Scenario)
    except (OSError, msgspec.MsgspecError):
        raise UserError(f"{run} holds neither keys of {member} nor a scenario that can be read") from None
    return secrets_of(scenario, member)


def write_new(target: Path, data: bytes) -> None:
    """Readable by its owner alone; never over a file. Raises UserError."""
    try:
        target.touch(mode=0o600, exist_ok=False)
        target.write_bytes(data)
    except FileExistsError:
        raise UserError(f"{target} exists already; name another file with --out, or remove it first") from None
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}; name another file with --out") from None


def shown_value(value: bytes) -> str:
    """A field's value for a person."""
    try:
        plain = msgspec.msgpack.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return value.hex()
    return plain.hex() if isinstance(plain, bytes) else str(plain)
