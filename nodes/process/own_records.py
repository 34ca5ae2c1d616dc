"""What a member of a run has beside its ledger: the lines of bills in its private store, and the audits of reads.

Whoever opens a box writes so into the audit first: a node that lives is asked through its door to do it; where none
does, the entry goes into the store itself. A run in the simulator has no keys in its folder: they follow from its
scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.insurance.lines import Line, Lines
from consortium.contracts.insurance.private_lines import LINES
from consortium.core.codec import Decoder, Malformed
from consortium.core.contract import Reader
from consortium.core.crypto import SUITES
from consortium.core.membership import Purpose
from consortium.core.vault import BOX, RECORD_BYTES_MAX
from consortium.runs.folder import PRIVATE_FILE
from consortium.scenario.scenario import Scenario
from consortium.stories.story import Private, Read
from consortium.vault.audit import Audit, read_entries
from consortium.vault.locksmith import Locksmith
from nodes.errors import Damaged, StoreFailed, UserError
from nodes.process.door_client import ask_door
from nodes.process.door_frames import DoorClosed, DoorError, door_path
from nodes.process.keys import load_keys
from nodes.process.private_store import PrivateStore, StoredBoxes
from nodes.process.settings import NodeFolder

PURPOSE = "show"
_LINES: Decoder[Lines] = Decoder(Lines, RECORD_BYTES_MAX)


def private_of(run: Path, reader: Reader) -> Private:
    """For who looks. A supervisor sees the audits of all stores in this folder, anybody else its own."""
    return Private(_OwnLines(run, reader).get, _Audits(run, reader).find)


class _Audits:
    def __init__(self, run: Path, reader: Reader) -> None:
        wanted = "*" if reader.role in SUPERVISORS else reader.member
        self._stores = sorted((run / "nodes").glob(f"{wanted}/{PRIVATE_FILE}"))

    def find(self, is_wanted: Callable[[str], bool]) -> Sequence[Read]:
        """Raises Damaged, UserError."""
        found = []
        for path in self._stores:
            member = path.parent.name
            for entry in read_entries(StoredBoxes(path)):
                if is_wanted(entry.handle):
                    found.append(Read(member, entry.day, entry.reader, entry.handle, entry.purpose))
        return sorted(found, key=lambda read: (read.day, read.member))


class _OwnLines:
    def __init__(self, run: Path, reader: Reader) -> None:
        self._node = NodeFolder(run, reader.member)
        self._reader = reader
        self._smith: Locksmith | None = None

    def get(self, bill_no: str) -> tuple[Line, ...] | None:
        """None where this member has them not, cannot open them, or cannot note that it does."""
        path, handle = self._node.folder / PRIVATE_FILE, f"{LINES}/{bill_no}"
        if not path.is_file():
            return None
        try:
            boxes = StoredBoxes(path)
            sealed = boxes.get(handle)
            if sealed is None or not self._note(path, handle):
                return None
            return _LINES.decode(self._locksmith().open(BOX.decode(sealed)).record).lines
        except (Malformed, Damaged, StoreFailed, UserError, OSError, msgspec.MsgspecError):
            return None

    def _note(self, path: Path, handle: str) -> bool:
        try:
            ask_door(door_path(self._node), "read", reader=self._reader.member, handle=handle, purpose=PURPOSE)
        except DoorClosed:
            store = PrivateStore(path)
            try:
                store.commit([Audit(store).write(self._reader.day, self._reader.member, handle, PURPOSE)])
            finally:
                store.close()
        except DoorError:
            return False
        return True

    def _locksmith(self) -> Locksmith:
        if self._smith is None:
            scenario = msgspec.json.decode((self._node.run / "scenario.json").read_bytes(), type=Scenario)
            self._smith = Locksmith(SUITES[scenario.suite](), self._secrets(scenario), self._reader.member)
        return self._smith

    def _secrets(self, scenario: Scenario) -> dict[Purpose, bytes]:
        if not self._node.keys.is_dir():
            from consortium.simulation.run import secrets_of  # needs the laboratory: a node's own image does without

            return secrets_of(scenario, self._reader.member)
        return load_keys(self._node.keys)
