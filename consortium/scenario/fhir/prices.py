"""What the lines of a claim cost: `net`, or `unitPrice` times `quantity`, each in its own currency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from consortium.scenario.fhir import source
from consortium.scenario.fhir.records import PLACES, Unfit, fen_of, fen_of_scaled, scaled_of


class Price(NamedTuple):
    """Of a line: `scaled` is exact, in its currency, times 10**PLACES."""

    quantity: int
    scaled: int
    currency: str
    fen: int


class Priced(NamedTuple):
    """`is_base_cost`: the total is the price of the line that has none."""

    prices: tuple[Price, ...]
    is_base_cost: bool = False


def price_lines(claim: source.Claim, rates_fen_per_10k: Mapping[str, int]) -> Priced:
    """Raises Unfit. Where one line, of an encounter, has no price, the total is its price (as MITRE's Synthea writes
    it); else the total, if there is one, is the sum of the lines."""
    total = claim.total
    if total is not None and total.value is None:
        raise Unfit("no-amount", "total.value")
    bare = [place for place, item in enumerate(claim.item) if item.net is None and item.unit_price is None]
    is_base_cost = len(bare) == 1 and total is not None and bool(claim.item[bare[0]].encounter)
    prices: list[Price] = []
    for place, item in enumerate(claim.item):
        quantity = _quantity(item.quantity, f"item[{place}].quantity")
        money, times = _money(item, quantity, total if is_base_cost and place == bare[0] else None)
        if money is None or money.value is None:
            raise Unfit("no-amount", f"item[{place}].net")
        prices.append(_price(money, quantity, times, rates_fen_per_10k, f"item[{place}].net"))
    if total is not None and not is_base_cost:
        _check_total(total, prices, rates_fen_per_10k)
    return Priced(tuple(prices), is_base_cost)


def _money(item: source.ClaimItem, quantity: int, base: source.Money | None) -> tuple[source.Money | None, int]:
    """The amount, and how often it counts."""
    if item.net is not None:
        return item.net, 1
    return (base, 1) if item.unit_price is None else (item.unit_price, quantity)


def _price(money: source.Money, quantity: int, times: int, rates: Mapping[str, int], element: str) -> Price:
    assert money.value is not None
    try:
        scaled = scaled_of(money.value) * times
        fen = fen_of_scaled(scaled, money.currency, rates)
    except Unfit as unfit:
        raise unfit.at(element) from None
    if fen == 0:
        raise Unfit("bad-amount", element)
    return Price(quantity, scaled, money.currency, fen)


def _check_total(total: source.Money, prices: list[Price], rates: Mapping[str, int]) -> None:
    """To the last digit where all is one currency; else in fen, each converted from its own."""
    assert total.value is not None
    if {price.currency for price in prices} <= {total.currency}:
        adds_up = scaled_of(total.value) == sum(price.scaled for price in prices)
    else:
        adds_up = fen_of(total.value, total.currency, rates) == sum(price.fen for price in prices)
    if not adds_up:
        raise Unfit("total-mismatch", "total")


def _quantity(quantity: source.Quantity | None, element: str) -> int:
    if quantity is None:
        return 1
    try:
        scaled = scaled_of(quantity.value)
    except Unfit:
        raise Unfit("bad-quantity", element) from None
    if scaled % 10**PLACES or not 1 <= scaled // 10**PLACES <= 10_000:
        raise Unfit("bad-quantity", element)
    return scaled // 10**PLACES
