"""Views through the client: typed rows of what was asked, and what a gateway cannot pass off as such."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from consortium.client import BadRequest, GatewayLied, NotAllowed, Unavailable
from tests.client_kit import Alter, Before, client_of
from tests.gateway_kit import Served, claim, make_folder, served

PSN_NO = claim(1)["psn_no"]
OF_ONE = {"psn_no": PSN_NO}


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Served]:
    """The bureau's; one person has three claims, another two."""
    async with served(make_folder(tmp_path / "run", "bureau")) as made:
        for serial in range(1, 6):
            made.node.execute(made.node.sign(("settlement", "issue_and_claim", _claim(serial)), member="hospital-1"))
        await made.until(lambda: made.gateway.feed.height == 5)
        yield made


def _claim(serial: int) -> Any:
    from consortium.scenario.workloads.settlement_load import claim_of, person_of

    return claim_of(0, serial, person_of(0, serial % 2))[2]


async def test_a_statement_has_typed_rows_of_one_person(at: Served) -> None:
    async with client_of(Before(at)) as client:
        sheet = await client.view("statement", OF_ONE)
        assert (sheet.height, sheet.first_height, dict(sheet.next)) == (5, 0, {})
        (year,) = sheet.tables["year"]
        entries = sheet.tables["entry"]
        assert year.settled == len(entries) == 3 and year.psn_no == PSN_NO
        assert [each.bill_no for each in entries] == [claim(serial)["bill_no"].lower() for serial in (1, 3, 5)]
        assert sum(each.fund_pay_sumamt for each in entries) == year.fund_pay_sumamt


async def test_pages_are_followed_by_what_each_says_is_next(at: Served) -> None:
    async with client_of(Before(at)) as client:
        found, after = [], ""
        for _ in range(3):
            sheet = await client.view("statement", {"year": claim_year()}, table="entry", limit=2, after=after)
            found += sheet.tables["entry"]
            after = sheet.next.get("entry", "")
        assert len(found) == 5 and not after


def claim_year() -> int:
    return int(str(_claim(1).begndate)[:4])


def _row(told: Any, **values: Any) -> None:
    told["tables"]["entry"]["rows"][0].update(values)


LIES: dict[str, Alter] = {
    "another person": lambda told: _row(told, psn_no="P0"),
    "a text for an amount": lambda told: _row(told, cash_payamt="1"),
    "a column less": lambda told: told["tables"]["entry"]["rows"][0].pop("kind") and None,
    "a row twice": lambda told: told["tables"]["entry"]["rows"].insert(0, told["tables"]["entry"]["rows"][0]),
    "out of order": lambda told: told["tables"]["entry"]["rows"].reverse(),
    "a table that nobody knows": lambda told: told["tables"].update(other={"rows": []}),
    "no rows": lambda told: told["tables"].update(entry={}),
    "another view": lambda told: told.update(view="stock"),
    "no height": lambda told: told.pop("height") and None,
    "no document": lambda told: [told],
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_is_no_rows_of_that_is_refused_and_the_gateway_left(at: Served, lie: str) -> None:
    async with client_of(Before(at, LIES[lie])) as client:
        with pytest.raises(GatewayLied):
            await client.view("statement", OF_ONE)
        assert client.lies
    async with client_of(Before(at, LIES[lie]), Before(at)) as client:
        assert len((await client.view("statement", OF_ONE)).tables["entry"]) == 3


async def test_more_rows_than_were_asked_for_are_refused(at: Served) -> None:
    def more(told: Any) -> None:
        told["tables"]["entry"]["rows"].append({**told["tables"]["entry"]["rows"][0], "sequence": 99})

    async with client_of(Before(at, more)) as client:
        assert len((await client.view("statement", OF_ONE, limit=9)).tables["entry"]) == 4, (
            "a row that is made up is taken"
        )
        with pytest.raises(GatewayLied):
            await client.view("statement", OF_ONE, limit=3)


async def test_a_view_that_is_older_than_what_was_verified_is_not_taken(at: Served) -> None:
    async with client_of(Before(at, lambda told: told.update(height=4)), within_s=0.5) as client:
        client._seen_height = 5
        with pytest.raises(Unavailable):
            await client.view("statement", OF_ONE)


async def test_what_cannot_be_asked_is_told_before_anybody_is_asked(at: Served) -> None:
    before = Before(at)
    async with client_of(before) as client:
        for name, where, table in (
            ("statements", {}, ""),
            ("statement", {}, "pack"),
            ("statement", {"psn": "1"}, ""),
            ("statement", {"year": "2026"}, ""),
        ):
            with pytest.raises(BadRequest):
                await client.view(name, where, table=table)  # type: ignore[arg-type]
    assert before.asked == []


async def test_a_view_for_others_is_not_shown(tmp_path: Path) -> None:
    async with served(make_folder(tmp_path / "run")) as at, client_of(Before(at)) as client:
        with pytest.raises(NotAllowed):
            await client.view("statement")
