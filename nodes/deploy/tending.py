"""Certificates of a standing consortium looked after: those about to expire renewed, those of removed members revoked.

`up` does both, `status` the second. An authority whose key has a passphrase, or that is kept elsewhere, is left to its
keeper: `consortium certificate`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from consortium.core.errors import UserError as AnyUserError
from consortium.core.machine import Rows
from consortium.ledger.rows import END
from nodes.broker.tls_files import BROKER, BROKER_CERTIFICATE, MEMBER
from nodes.deploy.authority import DUE_DAYS, Authority, ends_of
from nodes.deploy.brokers import BUS_FILES, GATEWAY_FILES
from nodes.deploy.certificates import GATEWAY, Certificates
from nodes.deploy.standing import Standing
from nodes.errors import Damaged
from nodes.process.store import SqliteRows


class Due(NamedTuple):
    """A certificate in use that ends soon, or has ended."""

    name: str
    kind: str
    ends: datetime

    def __str__(self) -> str:
        return f"the {self.kind} certificate of {self.name} ends on {self.ends:%Y-%m-%d}"


def find_due(standing: Standing, moment: datetime | None = None) -> list[Due]:
    """What ends within DUE_DAYS, as the files say that are in use."""
    limit = (moment or datetime.now(UTC)) + timedelta(days=DUE_DAYS)
    found = []
    for name, kind, path in _files(standing):
        with contextlib.suppress(FileNotFoundError, ValueError):
            if (ends := ends_of(path.read_bytes())) < limit:
                found.append(Due(name, kind, ends))
    return found


def _files(standing: Standing) -> Iterator[tuple[str, str, Path]]:
    for name in standing.deployment.members:
        folder = standing.node(name).folder
        yield name, MEMBER, folder / BUS_FILES[1]
        yield name, GATEWAY, folder / GATEWAY_FILES[0]
    for broker in standing.deployment.brokers:
        yield broker.name, BROKER, standing.folder / broker.name / BROKER_CERTIFICATE


def renew_due(standing: Standing) -> list[str]:
    """Whose certificates were renewed."""
    due = find_due(standing)
    if not due or not _is_ours_to_use(standing.folder):
        return []
    held = Certificates(standing)
    revoked = {each.name for each in held.all() if each.kind == MEMBER} - held.with_a_place()
    names = [name for name in dict.fromkeys(each.name for each in due) if name not in revoked]
    for name in names:
        held.rotate(name)
    return names


def follow_removals(standing: Standing) -> list[str]:
    """Whose place on the bus was taken, since the members removed them by vote."""
    if not _is_ours_to_use(standing.folder) or not _has_later_epoch(standing):
        return []
    with contextlib.suppress(AnyUserError):  # what proves it is not sealed yet
        return Certificates(standing).follow()
    return []


def _is_ours_to_use(folder: Path) -> bool:
    """Whether the authority is here, and its key without a passphrase."""
    try:
        return not Authority.open(folder / "authority").needs_passphrase
    except AnyUserError:
        return False


def _has_later_epoch(standing: Standing) -> bool:
    """Whether members ever changed, as some ledger says: it is cheap to look."""
    for name in standing.deployment.members:
        with (
            contextlib.suppress(AnyUserError, Damaged, OSError),
            contextlib.closing(SqliteRows(standing.node(name).ledger, read_only=True)) as rows,
        ):
            return _epochs(rows) > 1
    return False


def _epochs(rows: Rows) -> int:
    found: Sequence[tuple[bytes, bytes]] = rows.range("epoch", b"", END)
    return len(found)
