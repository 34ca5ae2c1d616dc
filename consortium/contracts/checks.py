"""What every contract asks of its arguments: identifiers, amounts, days, texts. Each refusal has a stable code.

Days are integers YYYYMMDD: they sort, and a person can read them. A period is [from_day, to_day).
"""

from __future__ import annotations

import re
from functools import lru_cache

from consortium.core import identity
from consortium.core.contract import Refused

AMOUNT_FEN_MAX = 10**12 - 1  # 10 billion yuan less a fen
FOREVER = 99991231  # the `to_day` of an open period
BASIS_POINTS = 10_000
DIGEST_BYTES = 32
IDENTIFIER_MAX = 64

REFERENCE_PARTS_MAX = 3
_is_kind = re.compile(r"[a-z][a-z-]{0,31}").fullmatch
_WORD = "(?:[A-Za-z]{0,7}[G-Zg-z][A-Fa-f]{0,7})?"  # "tel", "id", "psn": hexadecimal digits alone are no word
_WORD_BEHIND = "(?:[A-Fa-f]{0,7}[G-Zg-z][A-Za-z]{0,7})?"
_is_personal = re.compile(_WORD + r"(?:[0-9]{15}|[0-9]{17}[0-9Xx]|(?:0086|86)?1[3-9][0-9]{9})" + _WORD_BEHIND).fullmatch
_is_text = re.compile(r"text/[0-9a-f]{64}").fullmatch
_RUNS = re.compile(  # digits in groups, alone, behind a word or before one
    r"(?<![0-9A-Za-z])[A-Za-z]{0,15}[0-9]+(?:[^0-9A-Za-z]{1,3}[0-9]+)*[A-Za-z]{0,15}(?![0-9A-Za-z])"
)
_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")
_ZEROS = (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6)  # of other scripts' digits
_ONES = (0x2460, 0x2474, 0x2488, 0x24F5, 0x2776, 0x2780, 0x278A)  # ① ⑴ ⒈ ⓵ ❶ ➀ ➊, and the eight behind each
_SIGNS = ("⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉", "〇一二三四五六七八九")
_HALF_WIDTH = {  # a table of our own, for Unicode's changes with its version
    **{first + digit - 1: 0x30 + digit for first in _ONES for digit in range(1, 10)},
    **{zero + digit: 0x30 + digit for zero in _ZEROS for digit in range(10)},
    **{ord(sign): 0x30 + digit for signs in _SIGNS for digit, sign in enumerate(signs)},
    **{0xFF01 + offset: 0x21 + offset for offset in range(94)},
}
_is_trace_code = re.compile(r"[0-9]{20}").fullmatch
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def check_identifier(value: str, what: str) -> None:
    """Refuses `bad-identifier`: parts of state keys hold no "/", so that no two keys collide."""
    if value.isascii() and value.isalnum() and len(value) <= IDENTIFIER_MAX:
        return  # most are: this costs a fraction of the pattern
    if not is_identifier(value):
        raise Refused(
            "bad-identifier", f"{what} must be 1 to 64 of A-Z a-z 0-9 . _ : - and begin with one of A-Z a-z 0-9"
        )


def is_identifier(value: str) -> bool:
    """Whether it passes `check_identifier`."""
    return identity.is_identifier(value) is not None


def check_own_number(value: str, maker: str, what: str) -> None:
    """For a number that its maker alone may give: it begins with the maker's name and a colon, which no member's name
    holds. So nobody finds out what another has numbered, or takes its numbers first. Refuses `bad-identifier`,
    `number-foreign`."""
    check_identifier(value, what)
    if not value.startswith(f"{maker}:"):
        raise Refused("number-foreign", f"{what} of {maker} begins with {maker}:")


def check_pseudonym(value: str, what: str) -> None:
    """For what names a person. Refuses `bad-identifier`, and `personal-number` where it can be the number of an
    identity card or of a telephone, in whatever spelling."""
    check_identifier(value, what)
    if is_personal(value):
        raise Refused("personal-number", f"{what} looks like the number of an identity card or of a telephone")


def is_personal(value: str) -> bool:
    """Whether a text can be, or holds as a word, the number of an identity card or of a mobile telephone.

    Of a card: 15 digits, or 18 of which the last may be X. Of a telephone: 11 digits from 13… to 19…, also behind 86 or
    0086. In groups of digits, or behind a word. Numbers of things (bills, lots, orders) may have as many
    digits and are not asked; a trace code has 20."""
    plain = value if value.isascii() else value.translate(_HALF_WIDTH)
    joined = [_SEPARATORS.sub("", run) for run in _RUNS.findall(plain)]
    return any(map(_is_personal, (*_SEPARATORS.split(plain), *joined)))


def check_reason(value: str, reasons: tuple[str, ...]) -> None:
    """A reason is one of the operation's codes, or names a text that lies elsewhere: "text/" and its digest in 64
    hexadecimal digits. Refuses `bad-reason`: no words for people stand on the ledger."""
    if value not in reasons and _is_text(value) is None:
        raise Refused("bad-reason", f"reason must be one of {', '.join(reasons)}, or text/ and a digest")


def check_reference(value: str, what: str) -> None:
    """Refuses `bad-reference` unless it names a record: a kind in lower case and one to three identifiers, joined by
    "/", such as "order/O-17" or "settlement/<psn_no>/2026/000003"."""
    kind, *parts = value.split("/")
    if not (_is_kind(kind) and 1 <= len(parts) <= REFERENCE_PARTS_MAX and all(map(is_identifier, parts))):
        raise Refused("bad-reference", f"{what} must name a record: its kind, and its identifiers, joined by /")


def check_trace_code(value: str) -> None:
    """Refuses `bad-trace-code` unless it is exactly 20 ASCII digits (NHSA `drug_trac_codg`)."""
    if _is_trace_code(value) is None:
        raise Refused("bad-trace-code", "a trace code has exactly 20 digits")


def check_amount(value: int, what: str) -> None:
    """Refuses `bad-amount` unless 0 ≤ value < 10**12 fen."""
    if not 0 <= value <= AMOUNT_FEN_MAX:
        raise Refused("bad-amount", f"{what} must be from 0 to {AMOUNT_FEN_MAX} fen, got {value}")


def check_positive_amount(value: int, what: str) -> None:
    """Refuses `bad-amount` unless 0 < value < 10**12 fen."""
    if not 0 < value <= AMOUNT_FEN_MAX:
        raise Refused("bad-amount", f"{what} must be from 1 to {AMOUNT_FEN_MAX} fen, got {value}")


def check_range(value: int, low: int, high: int, what: str) -> None:
    """Refuses `bad-number` unless low ≤ value ≤ high."""
    if not low <= value <= high:
        raise Refused("bad-number", f"{what} must be from {low} to {high}, got {value}")


def check_text(value: str, what: str, length_max: int = 200) -> None:
    """For the name of a rule, never of a person. Refuses `bad-text` where it is too long, and `personal-number`."""
    if len(value) > length_max:
        raise Refused("bad-text", f"{what} has {len(value)} characters, at most {length_max}")
    if is_personal(value):
        raise Refused("personal-number", f"{what} holds what looks like the number of a person")


def check_digest(value: bytes, what: str, *, may_be_empty: bool = False) -> None:
    """Refuses `bad-digest` unless it is 32 bytes (or none, where that is allowed)."""
    if len(value) != DIGEST_BYTES and not (may_be_empty and not value):
        raise Refused("bad-digest", f"{what} must be {DIGEST_BYTES} bytes, got {len(value)}")


def check_choice(value: str, choices: tuple[str, ...], what: str) -> None:
    """Refuses `bad-choice` unless the value is one of the choices."""
    if value not in choices:
        raise Refused("bad-choice", f"{what} must be one of {', '.join(choices)}")


def check_count(count: int, count_max: int, what: str, count_min: int = 1) -> None:
    """Refuses `bad-length` unless a list has from `count_min` to `count_max` entries."""
    if not count_min <= count <= count_max:
        raise Refused("bad-length", f"{what}: from {count_min} to {count_max}, got {count}")


def check_day(value: int, what: str) -> None:
    """Refuses `bad-date` unless it is a day YYYYMMDD of the Gregorian calendar, 1900 to 2999."""
    if not _is_day(value):
        raise Refused("bad-date", f"{what} must be a day YYYYMMDD from 1900 to 2999, got {value}")


@lru_cache(maxsize=4_096)  # the days of eleven years
def _is_day(value: int) -> bool:
    year, rest = divmod(value, 10_000)
    month, day = divmod(rest, 100)
    if not (1900 <= year <= 2999 and 1 <= month <= 12):
        return False
    is_leap_day = month == 2 and day == 29 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= day <= _DAYS[month - 1] or is_leap_day


def check_period(from_day: int, to_day: int, what: str) -> None:
    """Refuses `bad-date` unless [from_day, to_day) is a period; FOREVER leaves it open."""
    check_day(from_day, f"{what} from_day")
    if to_day != FOREVER:
        check_day(to_day, f"{what} to_day")
    if from_day >= to_day:
        raise Refused("bad-date", f"{what} ends on {to_day}, before it begins on {from_day}")
