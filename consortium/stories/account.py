"""An account: what came and went, and whether that adds up to its balance."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from consortium.core.header import decode_header
from consortium.ledger.rows import height_key
from consortium.stories.finder import first_height, receipts
from consortium.stories.lookup import get_record
from consortium.stories.next_moves import holds_content, holds_on, tell_holds
from consortium.stories.plain import yuan
from consortium.stories.story import Column, Section, Seen, Story, Teller, facts

MOVEMENTS_TOLD = 40


class Movement(NamedTuple):
    """`fen`: more where it came in, less where it went out; `other`: where from or to; `after_fen`: the balance."""

    height: int
    number: int
    fen: int
    other: str
    cause: str
    after_fen: int


class Flow(NamedTuple):
    """All that an account moved: the newest movements, and what all of them come to."""

    newest: list[Movement]
    moved: int
    in_fen: int
    out_fen: int


def tell_account(seen: Seen, identity: str) -> Story:
    """Raises UnknownThing, Damaged."""
    record, words = get_record(seen, "account", identity), seen.words
    flow = flow_of(seen, record.key)
    balance_fen = record.value.balance_fen
    first = first_height(seen.ledger)
    adds_up = None if first else flow.in_fen - flow.out_fen == balance_fen
    heading = words(
        "account {name} holds {amount} yuan, as of block {height}",
        name=record.key,
        amount=yuan(balance_fen),
        height=seen.ledger.head_height,
    )
    rows = [
        (words("came in"), yuan(flow.in_fen)),
        (words("went out"), yuan(flow.out_fen)),
        (words("left of them"), yuan(flow.in_fen - flow.out_fen)),
        (words("balance"), yuan(balance_fen)),
        (words("adds up"), _verdict(seen, adds_up, first)),
    ]
    sections = [facts(words("{count} movements, in yuan", count=f"{flow.moved:,}"), rows)]
    if flow.newest:
        sections.append(_tell_movements(seen, flow))
    holds = holds_on(seen.ledger.reader, record.key)
    if holds:
        sections.append(tell_holds(words, holds))
    content = {
        "kind": "account",
        "id": record.key,
        "balance_fen": balance_fen,
        "in_fen": flow.in_fen,
        "out_fen": flow.out_fen,
        "movements": flow.moved,
        "adds_up": adds_up,
        "newest": [each._asdict() for each in flow.newest],
        "holds": holds_content(holds),
    }
    return Story(heading, tuple(sections), content)


def flow_of(seen: Seen, account: str) -> Flow:
    """Every movement of an account that this ledger has. Raises Damaged."""
    newest: deque[Movement] = deque(maxlen=MOVEMENTS_TOLD)
    count = in_fen = out_fen = 0
    for height, index, receipt in receipts(seen.ledger, seen.rows, (account,), seen.told):
        for event in receipt.events:
            fields = event.fields
            if event.kind != "movement" or account not in (fields["source"], fields["target"]):
                continue
            fen = int(fields["amount_fen"])
            count += 1
            if fields["target"] == account:
                in_fen, signed, other = in_fen + fen, fen, str(fields["source"])
            else:
                out_fen, signed, other = out_fen + fen, -fen, str(fields["target"])
            newest.append(Movement(height, index, signed, other, str(fields["cause"]), in_fen - out_fen))
    return Flow(list(newest), count, in_fen, out_fen)


def _verdict(seen: Seen, adds_up: bool | None, first: int) -> str:
    words = seen.words
    if adds_up is None:
        return words("cannot be told: this ledger has the blocks from {first} on alone", first=first)
    return words("yes: the movements come to the balance") if adds_up else words("NO: check this ledger with `verify`")


def _tell_movements(seen: Seen, flow: Flow) -> Section:
    words = seen.words
    columns = (
        Column(words("block"), is_number=True),
        Column(words("time ({zone})", zone=seen.zone)),
        Column(words("yuan"), is_number=True),
        Column(words("balance"), is_number=True),
        Column(words("from or to, and why")),
    )
    times = {each.height: _time(seen, each.height) for each in flow.newest}
    rows = [
        (
            f"{each.height}/{each.number}",
            times[each.height],
            yuan(each.fen),
            yuan(each.after_fen),
            f"{each.other} ({each.cause})",
        )
        for each in flow.newest
    ]
    return Section(words("the newest movements"), columns, rows)


def _time(seen: Seen, height: int) -> str:
    data = seen.rows.get("block", height_key(height))
    return "-" if data is None else seen.moment(decode_header(data).time_us)


TELLER = Teller("account", "its whole name, as fund/employee-pool", tell_account)
