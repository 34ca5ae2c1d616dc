"""What is known of a run before its trace is read: who takes part, by which rules, since when."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.core.codec import Malformed
from consortium.core.errors import UserError
from consortium.core.genesis import Genesis, decode_genesis
from consortium.core.membership import Epochs
from consortium.plugins.record import check_record
from consortium.runs.folder import LEDGER_FILE, RunFolderError, check_format
from consortium.runs.run import ledger_epochs
from consortium.scenario.scenario import Scenario
from nodes.errors import Damaged
from nodes.process.store import SqliteRows

FORMAT = 1


class Facts(NamedTuple):
    """A run's folder."""

    folder: Path
    scenario: Scenario
    genesis: Genesis

    @property
    def members(self) -> tuple[str, ...]:
        """All that take part at any time: node 1, 2, …"""
        return tuple(each.name for each in self.scenario.members)

    def about(self, source: str) -> dict[str, Any]:
        """The fields of about.json that scenario, genesis and ledgers tell."""
        genesis, scenario = self.genesis, self.scenario
        first = genesis.first_epoch
        members = [
            {"name": each.name, "role": each.role, "validator": each.kind == "validator"} for each in scenario.members
        ]
        epochs = self._epochs()
        return {
            "format": FORMAT,
            "name": genesis.name,
            "folder": self.folder.resolve().name,
            "source": source,
            "scenario": scenario.name,
            "question": scenario.question.strip().partition("\n\n")[0],
            "seed": scenario.seed,
            "protocol": scenario.protocol,
            "origin_us": genesis.time_us,
            "offset_minutes": genesis.parameters.utc_offset_minutes,
            "n": first.n,
            "f": first.f,
            "quorum": first.quorum,
            "members": members,
            "epochs": [
                {"number": each.number, "first_height": each.first_height, "validators": list(each.validators)}
                for each in epochs
            ],
            "eyes": [each["name"] for each in members] if any(self.ledgers()) else [],
        }

    def ledgers(self) -> Iterator[Path]:
        """Those that lie there."""
        for name in self.members:
            path = self.folder / "nodes" / name / LEDGER_FILE
            if path.is_file():
                yield path

    def _epochs(self) -> list[Any]:
        """Of the ledger that knows most of them. One that cannot be read says nothing."""
        best: Epochs = Epochs((self.genesis.first_epoch,))
        for path in self.ledgers():
            with contextlib.suppress(Damaged, Malformed, UserError, OSError):
                rows = SqliteRows(path, read_only=True)
                try:
                    found = ledger_epochs(self.genesis, rows)
                finally:
                    rows.close()
                if found.newest.number > best.newest.number:
                    best = found
        return [each for number in range(best.newest.number + 1) if (each := best.number(number)) is not None]


def read_facts(folder: Path) -> Facts:
    """Raises UserError with a sentence."""
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: there is no such folder or trace; name the folder of a run")
    for name in ("scenario.json", "genesis.json"):
        if not (folder / name).is_file():
            raise RunFolderError(f"{folder} is neither a run nor a consortium that stands: it has no {name}")
    check_format(folder)
    check_record(folder)
    try:
        scenario = msgspec.json.decode((folder / "scenario.json").read_bytes(), type=Scenario)
        genesis = decode_genesis((folder / "genesis.json").read_bytes())
    except (msgspec.MsgspecError, ValueError) as error:
        raise RunFolderError(f"{folder}: scenario.json or genesis.json cannot be read: {error}") from None
    return Facts(folder, scenario, genesis)
