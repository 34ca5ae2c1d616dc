"""The options of a load: how much of what comes, when, and at whom."""

from __future__ import annotations

import msgspec

from consortium.core.errors import UserError

CLOSED, CONSTANT, RECORDED = "closed", "constant", "file"
CONSORTIUM, MEMBER = "consortium", "member"
TURNS, RANDOM = "turns", "random"
TRANSACTIONS = 10_000  # where neither the scenario nor a file says how many
COUNT_MAX = 1 << 40


class ArrivalsError(UserError, ValueError):
    """The load cannot be meant. The sentence names the option and the mend."""


class Recorded(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True, omit_defaults=True):
    """One arrival of a file: when it is due, microseconds since the run began, of which kind, how many transactions
    under one signature, and at whom (empty: as the rest is spread)."""

    due_us: int
    kind: str = ""
    size: int = 1
    member: str = ""


class LoadOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`transactions` in all members together, exactly; None: 10,000, or as many as the file has.

    `arrivals`: `closed` (each member keeps `outstanding` transactions under way), or a process by name: then the load
    is open, and has a `rate` in transactions a second. `per`: that rate is of the `consortium` as a whole, whose
    arrivals are spread over members in `turns` or at `random`; or of each `member`, which has a process of its own.
    `interval_us` is the older word for a constant rate of each member: so long between two of its bundles.
    `kinds`, `sizes` (transactions under one signature): each with its share of all. `bundle`: one size for all."""

    transactions: int | None = None
    bundle: int = 1
    outstanding: int = 1_500
    interval_us: int = 0
    arrivals: str = ""
    rate: float = 0.0
    per: str = ""
    spread: str = TURNS
    kinds: dict[str, int] = {}
    sizes: dict[str, int] = {}
    rest_every: int = 0  # constant: a pause of `rest_us` after so many bundles of a member, or of all together
    rest_us: int = 0
    on_us: int = 0  # bursty
    off_us: int = 0
    period_us: int = 0  # diurnal
    swing_percent: int = 80
    file: str = ""  # file: CSV or Parquet, beside the scenario; loading the scenario turns it into `recorded`
    recorded: tuple[Recorded, ...] = ()

    @property
    def size_shares(self) -> dict[int, int]:
        """`sizes`, or `bundle` where there are none."""
        return {int(size): share for size, share in self.sizes.items()} or {self.bundle: 1}

    @property
    def process(self) -> str:
        """The name of the process of arrivals, whichever way it was asked for."""
        return self.arrivals or (CONSTANT if self.interval_us else CLOSED)

    @property
    def whose(self) -> str:
        """Whose rate it is."""
        return self.per or (MEMBER if self.interval_us else CONSORTIUM)
