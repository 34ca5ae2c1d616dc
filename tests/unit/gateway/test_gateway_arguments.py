"""JSON and the values that contracts know: one rule for bytes, and every mistake names its place."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.core.codec import Digest
from nodes.gateway.arguments import read_json, told, typed
from nodes.gateway.errors import Problem


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    name: str
    key: bytes


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    digest: Digest
    inner: Inner
    many: tuple[bytes, ...] = ()
    pair: tuple[int, bytes] = (0, b"")
    keys: dict[str, bytes] = {}
    maybe: bytes | None = None
    small: Annotated[int, msgspec.Meta(ge=0)] = 0


WHOLE = Outer(bytes(range(32)), Inner("a", b"\x01"), (b"", b"\xff"), (7, b"\x02"), {"vote": b"\x03"}, b"\x04", 5)


def test_what_is_told_is_read_back() -> None:
    as_json = msgspec.json.decode(msgspec.json.encode(told(WHOLE)))
    assert as_json["digest"] == bytes(range(32)).hex() and as_json["keys"] == {"vote": "03"}
    assert typed(as_json, Outer, "here") == WHOLE


@given(st.builds(Outer, st.binary(min_size=32, max_size=32), st.builds(Inner, st.text(), st.binary())))
def test_every_value_is_read_back(value: Outer) -> None:
    assert typed(msgspec.json.decode(msgspec.json.encode(told(value))), Outer, "here") == value


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"digest": "00"}, "$.digest"),
        ({"digest": "AB" * 32}, "$.digest"),
        ({"digest": "q" * 64}, "$.digest"),
        ({"digest": 7}, "$.digest"),
        ({"digest": "AAAA"}, "$.digest"),  # base64 is hexadecimal at times: it is read as hexadecimal or not at all
        ({"many": ["0"]}, "$.many[0]"),
        ({"inner": ["a"]}, "$.inner"),
        ({"pair": [1]}, "$.pair"),
        ({"small": -1}, "$.small"),
        ({"small": 1.5}, "$.small"),
        ({"small": 2**70}, "here"),
        ({"more": 1}, "more"),
    ],
)
def test_a_mistake_is_422_and_names_its_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(Problem) as refused:
        typed({**told(WHOLE), **change}, Outer, "here")
    assert refused.value.status == 422 and place in refused.value.detail


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b'"\xed\xa0\x80"', b"NaN"])
def test_what_is_no_json_is_400(body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        read_json(body)
    assert refused.value.status == 400
