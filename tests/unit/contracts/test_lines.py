"""Private lines: their sums by class, what stands on the ledger of them, and what shows that they were told wrongly."""

from typing import Any

import msgspec
import pytest

from consortium.contracts.insurance.lines import (
    Line,
    Lines,
    Sold,
    Sums,
    check_lines,
    commit_lines,
    compute_sold,
    compute_sums,
    find_mismatch,
    summarise,
)
from consortium.contracts.insurance.policy import ItemVersion
from consortium.core.contract import Refused
from consortium.core.vault import commit
from tests.contracts_state import SALT, Consortium, code_of, founded, stock

DAY = 20260101
DRUG = ItemVersion(19970101, "A", "drug")


@pytest.fixture
def house() -> Consortium:
    return founded()


@pytest.mark.parametrize(
    ("line", "item", "sums"),
    [
        (Line("x", 2, 100), None, Sums(200, 200, 0, 0, 0)),
        (Line("x", 2, 100), ItemVersion(DAY, "C", "service", ceiling_fen=10), Sums(200, 200, 0, 0, 0)),
        (Line("x", 2, 100), ItemVersion(DAY, "A", "service"), Sums(200, 0, 0, 0, 200)),
        (Line("x", 2, 100), ItemVersion(DAY, "A", "service", ceiling_fen=100), Sums(200, 0, 0, 0, 200)),
        (Line("x", 2, 100), ItemVersion(DAY, "A", "service", ceiling_fen=99), Sums(200, 0, 2, 0, 198)),
        (Line("x", 2, 100), ItemVersion(DAY, "B", "service", 1_000), Sums(200, 0, 0, 20, 180)),
        (Line("x", 2, 100), ItemVersion(DAY, "B", "service", 1_000, 50), Sums(200, 0, 100, 10, 90)),
        (Line("x", 1, 100), DRUG, Sums(100, 0, 0, 0, 100, 1)),
        (Line("x", 1, 100), msgspec.structs.replace(DRUG, code_free=True), Sums(100, 0, 0, 0, 100, 0)),
    ],
)
def test_each_line_is_sorted_by_its_class(line: Line, item: ItemVersion | None, sums: Sums) -> None:
    assert compute_sums([line], [item]) == sums


def test_a_split_pack_obeys_the_ceiling_of_its_pack_in_proportion(house: Consortium) -> None:
    """A ceiling of 10.00 a pack of 7 tablets: 3 tablets are in scope up to 4.29 (4.2857…, half up)."""
    item = msgspec.structs.replace(DRUG, ceiling_fen=1_000)
    split = Line("D", 3, 200, (code_of(1),), True)
    assert compute_sums([split], [item], [7]) == Sums(600, 0, 171, 0, 429, 1)
    assert compute_sums([split], [item]).overlmt_selfpay == 0, "as v0.1: the ceiling of a pack for each tablet"
    house.item("E", "A", ceiling_fen=1_000, kind="drug")
    stock(house, "lot", (code_of(1),), "institution/P1", units=7)
    sums, sold = summarise(house.state, [msgspec.structs.replace(split, med_list_codg="E")], DAY)
    assert (sums.inscp_amt, sold) == (429, (Sold(1, "E", 3, (code_of(1),), True),))


def test_what_is_sold_are_the_lines_with_codes_and_those_that_lack_them() -> None:
    lines = (Line("S", 1, 1), Line("D", 1, 1, (code_of(1),)), Line("D", 2, 1), Line("S", 1, 1, (code_of(2),)))
    sold = compute_sold(lines, (None, DRUG, DRUG, None))
    assert [(each.feedetl_sn, each.drug_trac_codg) for each in sold] == [
        (2, (code_of(1),)),
        (3, ()),
        (4, (code_of(2),)),
    ]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (None, "bad-length"),
        (Line("A", 1, 0), "bad-amount"),
        (Line("A", 1, -1), "bad-amount"),
        (Line("A", 0, 1), "bad-number"),
        (Line("A/", 1, 1), "bad-identifier"),
        (Line("A", 10**6, 10**12 - 1), "bad-amount"),
        (Line("D", 2, 1, (code_of(1),)), "trace-code-count"),
        (Line("D", 2, 1, (), True), "bad-length"),
        (Line("D", 1, 1, ("1" * 19,)), "bad-trace-code"),
    ],
)
def test_lines_that_nobody_may_bill(line: Line | None, code: str) -> None:
    with pytest.raises(Refused, match=f"^{code}:"):
        check_lines([] if line is None else [line])


def test_a_commitment_is_of_the_whole_record_and_its_salt() -> None:
    lines = (Line("A", 2, 150),)
    first = commit_lines(SALT, "h1-1", lines)
    others = [
        commit_lines(SALT, "h1-2", lines),
        commit_lines(SALT, "h1-1", (Line("A", 2, 151),)),
        commit_lines(SALT + b"x", "h1-1", lines),
    ]
    assert len({first, *others}) == 4 and {len(each) for each in (first, *others)} == {32}
    with pytest.raises(AssertionError, match="tried out"):
        commit(b"fifteen bytes..", b"record")


@pytest.mark.parametrize(
    ("told", "salt", "found"),
    [
        ({}, SALT, ""),
        ({}, SALT[:15], "commitment"),
        ({}, SALT + b"x", "commitment"),
        ({"lines": bytes(32)}, SALT, "commitment"),
        ({"sums": Sums(300, 0, 0, 0, 300)}, SALT, "sums"),
        ({"sold": (Sold(1, "B", 2, (code_of(1), code_of(2))),)}, SALT, "sold"),
    ],
)
def test_who_has_the_lines_finds_what_was_told_of_them_wrongly(
    house: Consortium, told: dict[str, Any], salt: bytes, found: str
) -> None:
    record = Lines("h1-1", (Line("B", 2, 150),))
    sums, sold = summarise(house.state, record.lines, DAY)
    assert sums == Sums(300, 0, 0, 30, 270)
    bill = {"sums": sums, "sold": sold, "lines": commit_lines(SALT, "h1-1", record.lines), **told}
    assert find_mismatch(house.state, record, salt, day=DAY, **bill) == found


def test_a_record_that_nobody_may_bill_is_a_mismatch_though_it_was_committed_to(house: Consortium) -> None:
    record = Lines("h1-1", (Line("A", -1, 150), Line("A", 3, 150)))
    lines = commit_lines(SALT, "h1-1", record.lines)
    sums = Sums(300, 0, 0, 0, 300)
    assert find_mismatch(house.state, record, SALT, day=DAY, sums=sums, sold=(), lines=lines) == "lines"
