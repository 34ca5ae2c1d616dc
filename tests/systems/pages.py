"""The pages themselves: one table of who may do and read what, and a page for each contract."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any

import msgspec

from consortium.contracts import load_contracts
from consortium.core.contract import EVERY_MEMBER, GENESIS, Contract, Life, Operation, Query, Table
from consortium.core.discovery import modules_of
from tests.systems.reading import Found, read

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MADE = "<!-- Made from the code by `make docs`: change the code, not this page. -->"
OTHER = "any other"
WITHOUT_STAGE = "[*]"


def all_pages() -> dict[Path, str]:
    """Every generated page by its path under docs/."""
    contracts = load_contracts()
    pages = {Path("systems.md"): render_index(contracts)}
    for name, contract in contracts.items():
        pages[Path("systems") / f"{name}.md"] = render_contract(contract)
    return pages


# --- the table of access --------------------------------------------------------------------------------------------


def verbs_of(contract: Contract) -> list[Operation | Query]:
    return [*contract.operations.values(), *contract.queries.values()]


def roles_of(contracts: Mapping[str, Contract]) -> list[str]:
    """All roles that some operation or query names, members first, in order of name; then those that are none."""
    verbs = [verb for contract in contracts.values() for verb in verbs_of(contract)]
    named = {role for verb in verbs for role in verb.roles} - EVERY_MEMBER
    special = [role for role in (GENESIS, "vote") if role in named]
    return [*sorted(named - set(special)), *special]


def cell(verb: Operation | Query, role: str) -> str:
    """`all`: on everybody's records, `own`: on its own, nothing: not permitted."""
    if not (verb.is_permitted(role) or role in verb.roles):
        return ""
    if verb.whose is None or role in verb.whose.others or role == GENESIS:
        return "all"
    return "own"


def render_index(contracts: Mapping[str, Contract]) -> str:
    roles = [*roles_of(contracts), OTHER]
    lines = [
        MADE,
        "",
        "# Who may do what, who may read what",
        "",
        "`all`: on the records of everybody. `own`: on its own; what is another's is refused by `not-yours`, with the",
        "same words as what nobody has. An empty cell is refused by `not-permitted`. Every cell is tested.",
        "",
        "A role is an open name: a member of a role that no column names may do what *any other* may.",
        "",
    ]
    for title, kind in (("Operations", "operations"), ("Queries", "queries")):
        lines += [f"## {title}", "", _row(["", *roles, "whose"]), _row(["---"] * (len(roles) + 2))]
        for name, contract in contracts.items():
            for verb in getattr(contract, kind).values():
                owner = verb.whose.owner if verb.whose is not None else ""
                cells = [cell(verb, role) for role in roles]
                lines.append(_row([f"[{name}](systems/{name}.md).{verb.name}", *cells, owner]))
        lines.append("")
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


# --- a contract -----------------------------------------------------------------------------------------------------


def render_contract(contract: Contract) -> str:
    module = _module_of(contract)
    verbs = {verb.name: read(verb.run) for verb in contract.operations.values()}
    asked = {query.name: read(query.run) for query in contract.queries.values()}
    lines = [MADE, "", f"# {contract.name}", "", inspect.cleandoc(module.__doc__ or ""), ""]
    path = Path(str(module.__file__)).relative_to(ROOT).as_posix()
    lines += [f"Version {contract.version}, `{path}`. [Who may do what](../systems.md).", ""]
    for life in contract.lives:
        lines += _life(life)
    lines += _verbs("Operations", contract.operations, verbs)
    if contract.queries:
        lines += _verbs("Queries", contract.queries, asked)
    lines += _refusals(verbs | asked)
    lines += _events(verbs)
    lines += _tables(contract, verbs)
    lines += _structs(contract, verbs)
    return "\n".join(lines).rstrip() + "\n"


def _module_of(contract: Contract) -> Any:
    for module in modules_of("consortium.contracts"):
        if getattr(module, "CONTRACT", None) is contract:
            return module
    raise AssertionError(f"no module offers {contract.name}")


def _life(life: Life) -> list[str]:
    stages = {stage: f"s{place}" for place, stage in enumerate(_stages(life))}
    lines = [f"## Life of `{life.table.name}`", "", "```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{stage}" as {name}' for stage, name in stages.items()]
    for before, operation, after in life.moves:
        source, target = (stages[stage] if stage else WITHOUT_STAGE for stage in (before, after))
        lines.append(f"    {source} --> {target}: {operation}")
    return [*lines, "```", ""]


def _stages(life: Life) -> list[str]:
    return list(dict.fromkeys(stage for move in life.moves for stage in (move.before, move.after) if stage))


def _verbs(title: str, verbs: Mapping[str, Any], found: Mapping[str, Found]) -> list[str]:
    lines = [f"## {title}", ""]
    for name, verb in verbs.items():
        who = "every member" if verb.roles >= EVERY_MEMBER else ", ".join(sorted(verb.roles))
        if verb.roles > EVERY_MEMBER:
            who += ", " + ", ".join(sorted(verb.roles - EVERY_MEMBER))
        whose = ""
        if verb.whose is not None:
            others = sorted(verb.whose.others)
            whose = f"; on its own records alone ({verb.whose.owner})" + (
                f", but {', '.join(others)}" if others else ""
            )
        lines += [f"### `{name}` — {who}{whose}", "", *_structure(verb.arguments), ""]
        own = sorted(found[name].refusals)
        if own:
            lines += [f"Refuses {_codes(own)}.", ""]
        tells = sorted(found[name].events)
        if tells:
            lines += [f"Tells {_codes(tells)}.", ""]
    return lines


def _codes(words: Sequence[str]) -> str:
    """All of them as one span of code: they are looked up, not read."""
    return f"`{', '.join(words)}`"


def _structure(kind: Any) -> list[str]:
    """Its docstring, and its fields with their types."""
    text = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
    return [f"`{signature(kind)}`: {text}"]


def signature(kind: Any) -> str:
    """`Number(fixmedins_code: str, bill_no: str)`."""
    hints = typing.get_type_hints(kind)
    parts = []
    for each in msgspec.structs.fields(kind):
        default = "" if each.default is msgspec.NODEFAULT else f" = {each.default!r}"
        parts.append(f"{each.name}: {_named(hints[each.name])}{default}")
    return f"{kind.__name__}({', '.join(parts)})"


def _named(kind: Any) -> str:
    """A type as a person writes it, without its module."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _named(inner[0])
    if origin is typing.Literal:
        return " | ".join(repr(each) for each in inner)
    if origin in (typing.Union, UnionType):
        return " | ".join(_named(each) for each in inner)
    if origin is not None:
        return f"{origin.__name__}[{', '.join('…' if each is Ellipsis else _named(each) for each in inner)}]"
    return str(getattr(kind, "__name__", kind))


def _refusals(found: Mapping[str, Found]) -> list[str]:
    by_code: dict[str, list[str]] = {}
    for name, one in found.items():
        for code in one.refusals:
            by_code.setdefault(code, []).append(name)
    lines = [
        "## Refusals",
        "",
        "Beside those of the frame: `unknown-operation`, `unknown-query`, `not-permitted`, `not-yours`.",
    ]
    lines += ["", _row(["code", "of"]), _row(["---", "---"])]
    lines += [_row([f"`{code}`", ", ".join(names)]) for code, names in sorted(by_code.items())]
    return [*lines, ""]


def _events(found: Mapping[str, Found]) -> list[str]:
    whole = Found()
    for one in found.values():
        whole.add(one)
    if not whole.events:
        return []
    lines = ["## Events", "", _row(["event", "fields"]), _row(["---", "---"])]
    lines += [_row([f"`{kind}`", ", ".join(sorted(names))]) for kind, names in sorted(whole.events.items())]
    if whole.whys:
        lines += ["", f"A `notice` says why: {_codes(sorted(whole.whys))}."]
    return [*lines, ""]


def _structs(contract: Contract, found: Mapping[str, Found]) -> list[str]:
    """Those that lie within arguments and within what is written."""
    known = tables_by_name()
    tops = [verb.arguments for verb in verbs_of(contract)]
    tops += [known[table].kind for table in sorted({name for one in found.values() for name in one.writes})]
    inner: dict[str, Any] = {}
    todo = [kind for top in tops for kind in typing.get_type_hints(top).values()]
    while todo:
        kind = todo.pop()
        todo += typing.get_args(kind)
        is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        if is_struct and kind not in tops and kind.__name__ not in inner:
            inner[kind.__name__] = kind
            todo += typing.get_type_hints(kind).values()
    if not inner:
        return []
    return ["## Structs within", "", *(f"- {_structure(kind)[0]}" for _, kind in sorted(inner.items())), ""]


def tables_by_name() -> dict[str, Table[Any]]:
    found: dict[str, Table[Any]] = {}
    for name in sorted(sys.modules):
        if name.startswith("consortium."):
            found.update({each.name: each for each in vars(sys.modules[name]).values() if isinstance(each, Table)})
    return found


def _tables(contract: Contract, found: Mapping[str, Found]) -> list[str]:
    written = sorted({table for one in found.values() for table in one.writes})
    if not written:
        return []
    known = tables_by_name()
    own = {life.table.name for life in contract.lives}
    lines = ["## Tables", "", "What its operations write, also where another contract's functions do it.", ""]
    for name in sorted(written, key=lambda each: (each not in own, each)):
        lines += [f"- `{name}` → {_structure(known[name].kind)[0]}"]
    return [*lines, ""]
