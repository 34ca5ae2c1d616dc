"""Views over HTTP: `GET /v1/views/{view}`, for those to whom the access table shows them, noted in the audit of reads.

Whoever may look at a view is shown what is its member's of a table that says whose its rows are; supervisors see all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from consortium.contracts.access import SUPERVISORS
from consortium.views import load_views
from consortium.views.view import TEXT, Columns, Row, Value, View, is_row_shown
from nodes.gateway.errors import Problem
from nodes.gateway.gateway import Gateway
from nodes.gateway.parameters import read_number, read_words
from nodes.gateway.reading import Moment
from nodes.gateway.routes_read import PURPOSE, answer, read_handle
from nodes.process.view_file import ViewFile

COUNT, COUNT_MAX = 100, 1_000  # rows of a table in one answer
SCANNED_MAX = 5_000  # rows that are looked at for them
WORDS = ("table", "count", "after")
_INT64 = range(-(2**63), 2**63)


class Wished(NamedTuple):
    """`where`: columns with their values, which each of `tables` has. `after`: a key of the only table."""

    tables: tuple[Columns, ...]
    where: Mapping[str, Value]
    limit: int
    after: Row


class Scanned(NamedTuple):
    """As of `height`: of each table the first rows, in order, up to its limit."""

    height: int
    first: int
    limits: Mapping[str, int]
    rows: Mapping[str, list[Row]]


async def get_view(gateway: Gateway, request: Request) -> Response:
    """GET /v1/views/{view}"""
    application = gateway.application(request.headers.get("authorization"))
    view = load_views().get(request.path_params["view"])
    if view is None:
        raise Problem(404, "unknown-view", f"there are the views {', '.join(load_views())}")
    application.check("views", view.name)
    words = read_words(request, (*WORDS, *view.columns))
    wished = read_wished(view, words)
    gateway.check_reachable()
    role = await gateway.readers.answer(lambda moment: _role(moment, view, application.member))
    limits = {table.name: _scanned_max(table, role, wished.limit) for table in wished.tables}
    height = gateway.feed.height
    scanned = await gateway.views.answer(view, height, lambda file, first: _scan(file, first, wished, limits))
    told = await gateway.readers.answer(lambda moment: _told(moment, view, wished, scanned, application.member))
    await gateway.note_read(application, read_handle(f"views.{view.name}", words), PURPOSE)
    return answer(told)


def _role(moment: Moment, view: View, member: str) -> str:
    """Who asks. Raises Problem 403."""
    role = moment.reader(member).role
    if not view.is_shown_to(role):
        raise Problem(403, "not-permitted", f"a {role} may not look at {view.name}")
    return role


# --- what is wished -------------------------------------------------------------------------------------------------


def read_wished(view: View, words: Mapping[str, str]) -> Wished:
    """Raises Problem 400."""
    kinds = view.columns
    where = {name: _value(name, kinds[name], text) for name, text in words.items() if name in kinds}
    name = words.get("table")
    if name is not None and name not in view.shown:
        raise Problem(400, "bad-parameter", f"table: one of {', '.join(view.shown)}")
    tables = tuple(
        table
        for table in view.shown.values()
        if (table.name == name if name is not None else where.keys() <= table.kinds.keys())
    )
    if not tables or not all(where.keys() <= table.kinds.keys() for table in tables):
        raise Problem(400, "bad-parameter", f"no table of {view.name} that is asked for has {', '.join(where)}")
    count = read_number(words, "count", 1, COUNT_MAX) or COUNT
    return Wished(tables, where, count, _after(tables, words))


def _value(name: str, kind: str, text: str) -> Value:
    if kind == TEXT:
        return text
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19 and int(text) in _INT64):
        raise Problem(400, "bad-parameter", f"{name}: a whole number")
    return int(text)


def _after(tables: tuple[Columns, ...], words: Mapping[str, str]) -> Row:
    """The key that `next` of an answer named."""
    text = words.get("after")
    if text is None:
        return ()
    if "table" not in words:
        raise Problem(400, "bad-parameter", "after: say the table that it is a key of, too")
    (table,) = tables
    kinds = tuple(str if kind == TEXT else int for kind in list(table.kinds.values())[: table.keys])
    try:
        key: Row = msgspec.json.decode(text, type=tuple[kinds])  # type: ignore[valid-type]
    except (msgspec.MsgspecError, UnicodeEncodeError):
        key = ()
    if not all(isinstance(each, str) or each in _INT64 for each in key) or not key:
        raise Problem(400, "bad-parameter", "after: the `next` of an answer before")
    return key


# --- the answer -----------------------------------------------------------------------------------------------------


def _scan(file: ViewFile, first: int, wished: Wished, limits: Mapping[str, int]) -> Scanned:
    """In the thread of views, so all of one height."""
    rows = {
        table.name: list(file.rows(table, wished.where, wished.after, limits[table.name])) for table in wished.tables
    }
    return Scanned(file.head[0], first, limits, rows)


def _scanned_max(table: Columns, role: str, count: int) -> int:
    """One more than is told, or so many that this reader's may be among them."""
    return count + 1 if table.whose is None or role in SUPERVISORS else SCANNED_MAX


def _told(moment: Moment, view: View, wished: Wished, scanned: Scanned, member: str) -> dict[str, Any]:
    reader = moment.reader(member)
    tables = {}
    for table in wished.tables:
        rows = scanned.rows[table.name]
        shown = (row for row in rows if is_row_shown(table, row, reader, moment.state))
        tables[table.name] = _page(table, shown, rows, wished.limit, scanned.limits[table.name])
    return {"view": view.name, "height": scanned.height, "first_height": scanned.first, "tables": tables}


def _page(table: Columns, shown: Iterable[Row], rows: list[Row], count: int, scanned_max: int) -> dict[str, Any]:
    page: list[Row] = []
    last: Row = ()
    for row in shown:
        if len(page) == count:
            last = page[-1]
            break
        page.append(row)
    else:
        last = rows[-1] if len(rows) == scanned_max else ()
    told: dict[str, Any] = {"rows": [dict(zip(table.kinds, row, strict=True)) for row in page]}
    return {**told, "next": msgspec.json.encode(last[: table.keys]).decode()} if last else told
