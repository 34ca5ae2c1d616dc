"""`consortium analyse`: what the funds hold and will pay, and how care, medicines and regions share it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from consortium.commands.command import LOOK, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.past import opened
from consortium.commands.tables import Column, show_table
from consortium.commands.view import bring_up
from consortium.contracts.insurance.funds import STANDARD_FUNDS, get_balance, has_account
from consortium.core.contract import StateReader
from consortium.core.errors import UserError
from consortium.lab.measures.forecast import PERIODS_MIN, forecast_sum
from consortium.views import load_views
from consortium.views.view import Columns
from nodes.past import Past
from nodes.process.view_file import VIEWS_FILE, ViewFile

MEMBER = "bureau"
AHEAD = 3  # months
Rows = list[dict[str, Any]]


def analyse(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")],
    ahead: Annotated[int, typer.Option(metavar="MONTHS", help="So many months are forecast.")] = AHEAD,
    country: Annotated[
        list[str] | None, typer.Option("--country", metavar="REGION", help="A region that is country; others are town.")
    ] = None,
    json: Json = False,
) -> None:
    if not 1 <= ahead <= 24:
        raise UserError(f"--ahead {ahead}: expected 1 to 24 months")
    with opened(run, MEMBER) as past:
        tables = dict(_tables(past, ahead, frozenset(country or ())))
    if json:
        print_json({"format": 1, **tables})
        return
    console = make_console()
    for name, rows in tables.items():
        if not rows:
            continue
        console.print(name, style="bold")
        kinds = list(rows[0])
        columns = [Column(kind.removesuffix("_fen"), isinstance(rows[0][kind], int)) for kind in kinds]
        show_table(console, columns, [[_told(kind, row[kind]) for kind in kinds] for row in rows])
    if not tables["forecast"]:
        typer.echo(spoken()("no forecast: fewer than {count} whole months were settled", count=PERIODS_MIN))


def _told(kind: str, value: int | str) -> str:
    """Amounts in yuan, to the fen."""
    if not kind.endswith("_fen"):
        return str(value)
    fen = int(value)
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def _tables(past: Past, ahead: int, country: Collection[str]) -> Iterator[tuple[str, Rows]]:
    regions, months = _rows(past, "allocation", "region"), _rows(past, "allocation", "month")
    monthly = _by_month(months)
    yield "funds", _funds(past.ledger.reader)
    yield "month", [{"month": month, "fund_pay_fen": paid} for month, paid in sorted(monthly.items())]
    yield "forecast", _forecast([paid for _, paid in sorted(monthly.items())], ahead)
    yield "region", regions
    yield "town_and_country", _town_and_country(regions, country)
    yield "procurement", _procurement(_rows(past, "procurement", "volume"))
    yield "aid", _rows(past, "aid_public", "aid")


def _rows(past: Past, view: str, table: str) -> Rows:
    """Of a view over this ledger, which is fed what it lacks."""
    file = ViewFile(past.path.with_name(VIEWS_FILE), load_views()[view], past.ledger.chain)
    try:
        bring_up(file, past)
        columns: Columns = file.view.shown[table]
        return [dict(zip(columns.kinds, row, strict=True)) for row in file.rows(columns)]
    finally:
        file.close()


def _funds(state: StateReader) -> Rows:
    held = [f"fund/{name}" for name in STANDARD_FUNDS if has_account(state, f"fund/{name}")]
    return [{"account": account, "balance_fen": get_balance(state, account)} for account in held]


def _by_month(rows: Rows) -> Mapping[int, int]:
    """What the funds paid for services of each month, the months without any between them as well."""
    found: dict[int, int] = {}
    for row in rows:
        found[int(row["month"])] = found.get(int(row["month"]), 0) + int(row["fund_pay_fen"])
    if found:
        month = min(found)
        while month < max(found):
            month = month + 1 if month % 100 < 12 else month + 89
            found.setdefault(month, 0)
    return found


def _forecast(paid: list[int], ahead: int) -> Rows:
    """The last month is not counted: not all of it may be settled."""
    found = forecast_sum(paid[:-1], ahead)
    if found is None:
        return []
    low, high = max(0, round(found.low)), round(found.high)
    return [{"months": ahead, "expected_fen": round(found.expected), "low_fen": low, "high_fen": high}]


def _town_and_country(regions: Rows, country: Collection[str]) -> Rows:
    """Without `--country` a region is country whose name ends so."""
    sums: dict[str, dict[str, int]] = {}
    for row in regions:
        name = str(row["region"])
        is_country = name in country if country else name.endswith(("county", "country"))
        kind = sums.setdefault("country" if is_country else "town", dict.fromkeys(("settled", "fund_pay_fen"), 0))
        for counted in kind:
            kind[counted] += int(row[counted])
    return [
        {"kind": kind, **each, "of_each_fen": each["fund_pay_fen"] // each["settled"] if each["settled"] else 0}
        for kind, each in sorted(sums.items())
    ]


def _procurement(volumes: Rows) -> Rows:
    """Received against agreed, by institution."""
    found: dict[str, dict[str, int]] = {}
    for row in volumes:
        each = found.setdefault(str(row["fixmedins_code"]), {"agreed": 0, "ordered": 0, "received": 0})
        for counted in each:
            each[counted] += int(row[counted])
    return [
        {
            "fixmedins_code": code,
            **each,
            "received_percent": 100 * each["received"] // each["agreed"] if each["agreed"] else 0,
        }
        for code, each in sorted(found.items())
    ]


COMMAND = Command(
    "analyse",
    "Analyse what a run's ledger holds: funds, spending by month with a forecast, regions, medicines, aid.\n\n"
    "The forecast is the mean of whole months; its interval holds what comes in 95 of 100 cases, if months are alike "
    "and independent. Views are kept beside the ledger in views.sqlite, which any notebook can read.\n\n"
    "\b\nExamples, of a run of claim_day:\n  consortium analyse runs/RUN\n"
    "  consortium analyse runs/RUN --ahead 6 --json\n\n"
    "Exit status: 0 shown, 2 wrong usage or input.",
    analyse,
    LOOK,
)
