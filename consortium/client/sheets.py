"""The rows of a view, as one gateway's word: of their type, for what was asked, in order. No seal stands over them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from consortium.client.errors import BadRequest, Lie
from consortium.views import load_views
from consortium.views.view import TEXT, Columns, Value, View, rows_of


class Sheet(NamedTuple):
    """Rows of a view as of the block at `height`, by table; blocks below `first_height` went not into it. `next`: by
    table, what `after` is to be for the rows that follow. It is one node's word: nobody signed it."""

    view: str
    height: int
    first_height: int
    tables: Mapping[str, list[Any]]
    next: Mapping[str, str]


class Look(NamedTuple):
    """What is asked of a view."""

    view: View
    where: Mapping[str, Value]
    table: str
    limit: int
    after: str

    @property
    def path(self) -> str:
        words = {**self.where, "count": self.limit, "table": self.table, "after": self.after}
        return f"/v1/views/{self.view.name}?{urlencode({name: word for name, word in words.items() if word != ''})}"


def look_at(name: str, where: Mapping[str, Value], table: str, limit: int, after: str) -> Look:
    """Raises BadRequest for a view or a table that there is not."""
    view = load_views().get(name)
    if view is None:
        raise BadRequest("unknown-view", f"there are the views {', '.join(load_views())}")
    if table and table not in view.shown:
        raise BadRequest("bad-parameter", f"{name} has the tables {', '.join(view.shown)}")
    for column, value in where.items():
        kind = view.columns.get(column)
        if kind is None or isinstance(value, str) != (kind == TEXT):
            raise BadRequest("bad-parameter", f"{column}={value!r}: {name} has the columns {view.columns}")
    return Look(view, where, table, limit, after)


def read_sheet(told: Any, look: Look) -> Sheet:
    """Raises Lie."""
    if not isinstance(told, dict) or told.get("view") != look.view.name or not isinstance(told.get("tables"), dict):
        raise Lie("no rows of the view")
    height, first = told.get("height"), told.get("first_height")
    if not isinstance(height, int) or not isinstance(first, int) or not 0 <= first <= height + 1:
        raise Lie("a view without its height")
    kinds, tables, following = rows_of(look.view), dict[str, list[Any]](), dict[str, str]()
    for name, page in told["tables"].items():
        table = look.view.shown.get(name)
        if table is None or look.table not in ("", name) or not isinstance(page, dict):
            raise Lie(f"rows of {name!r}, which was not asked for")
        try:
            tables[name] = msgspec.convert(page.get("rows"), list[kinds[name]], strict=True)  # type: ignore[valid-type]
        except (msgspec.ValidationError, RecursionError) as error:
            raise Lie(f"rows that are none of {name}: {error}") from None
        _check(table, tables[name], look)
        if isinstance(said := page.get("next"), str):
            following[name] = said
    return Sheet(look.view.name, height, first, tables, following)


def _check(table: Columns, rows: list[Any], look: Look) -> None:
    """For what was asked, each once, and in order. Raises Lie."""
    if len(rows) > look.limit:
        raise Lie(f"{len(rows)} rows, where {look.limit} were asked for")
    for row in rows:
        if any(getattr(row, name) != value for name, value in look.where.items()):
            raise Lie(f"a row of {table.name} that was not asked for")
    columns = list(table.kinds)[: table.keys]
    keys = [tuple(getattr(row, name) for name in columns) for row in rows]
    if look.after:
        keys.insert(0, tuple(msgspec.json.decode(look.after)))
    if any(_bytes(low) >= _bytes(high) for low, high in pairwise(keys)):
        raise Lie(f"rows of {table.name} that are not in order")


def _bytes(key: tuple[Value, ...]) -> tuple[bytes | int, ...]:
    """As gateways order texts."""
    return tuple(each.encode() if isinstance(each, str) else each for each in key)
