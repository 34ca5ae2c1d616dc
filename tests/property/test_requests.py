"""Whatever gateways say, in whatever order and on whatever days: a request is executed once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consortium.core.codec import sha256
from consortium.core.requests import DAYS_AHEAD, DAYS_BEHIND, TOKEN_BITS
from consortium.ledger.requests import Requests, find_request, request_used_by
from consortium.ledger.rows import DictRows
from consortium.ledger.state import Reader, State

MEMBERS = ("ada", "bob")
TOKENS = (0, 1, 1 << 35, 0x2A2A2A2A2A)  # some of one bucket, some whose bytes repeat
SAID = st.tuples(
    st.sampled_from(MEMBERS),
    st.sampled_from(TOKENS),
    st.integers(-4, 3),  # the day of the request, from that of the block
    st.integers(0, 1),  # which content
)
BLOCKS = st.lists(st.tuples(st.integers(0, 2), st.lists(SAID, max_size=8)), max_size=20)


def identity(member: str, number: int, content: int) -> bytes:
    return sha256(f"{member} {number} {content}".encode())


@given(BLOCKS)
def test_a_token_serves_one_transaction_of_its_member_as_long_as_its_day_is_kept(
    blocks: list[tuple[int, list[tuple[str, int, int, int]]]],
) -> None:
    rows = DictRows()
    today, executed = 20_000, dict[tuple[str, int], list[tuple[int, bytes]]]()
    for later, said in blocks:
        today += later
        state = State(rows)  # each block by a node that remembers nothing
        requests = Requests(state)
        for member, token, ahead, content in said:
            day = today + ahead
            number = day << TOKEN_BITS | token
            one = identity(member, number, content)
            kept = [each for each in executed.get((member, token), ()) if each[0] >= today - DAYS_BEHIND]
            if ahead < -DAYS_BEHIND:
                wanted: str | None = "number-stale"
            elif ahead > DAYS_AHEAD:
                wanted = "number-ahead"
            elif kept:
                wanted = "already-executed" if (day, one) in kept else "number-used"
            else:
                wanted = None
                executed.setdefault((member, token), []).append((day, one))
            assert requests.use(member, number, one, today) == wanted
        requests.flush(today)
        rows.stage([("state", key, value) for key, value in state.take()])
    ids = [one for used in executed.values() for _, one in used]
    assert len(set(ids)) == len(ids), "the very same transaction never took effect twice"
    reader = Reader(State(rows))
    for (member, token), used in executed.items():
        day, one = used[-1]
        is_kept = day >= today - DAYS_BEHIND
        found = find_request(reader, member, token, today)
        assert found == ((day << TOKEN_BITS | token, one[:16]) if is_kept else None)
        assert request_used_by(reader, member, day << TOKEN_BITS | token, today) == (one[:16] if is_kept else b"")
