"""`consortium ask`: a query of a contract, over the ledger of a run, as one of its members."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from consortium.commands.command import EXIT_UNSAFE, LOOK, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.past import opened
from consortium.commands.tables import Column, show_table
from consortium.core.contract import Contract, Query, Reader, Refused
from consortium.core.errors import UserError
from nodes.past import reader_of


def ask(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")],
    member: Annotated[str, typer.Argument(help="The member that asks.", metavar="MEMBER")],
    query: Annotated[
        str | None, typer.Argument(help="CONTRACT.QUERY; without it, the queries of its role.", metavar="QUERY")
    ] = None,
    arguments: Annotated[str, typer.Argument(help="What the query is about, as JSON.", metavar="ARGUMENTS")] = "{}",
    json: Json = False,
) -> None:
    with opened(run, member) as past:
        ledger = past.ledger
        reader = reader_of(ledger, member)
        if query is None:
            _show_queries(past.contracts, reader)
            return
        contract, asked = _find(past.contracts, query)
        value = _typed(query, asked, arguments)
        fields: dict[str, Any] = {"format": 1, "query": query, "member": member, "role": reader.role}
        fields |= {"height": ledger.head_height, "day": reader.day}
        try:
            answer = msgspec.to_builtins(contract.ask(ledger.reader, asked.name, value, reader))
        except Refused as refused:
            if json:
                print_json({**fields, "refused": refused.code, "sentence": refused.sentence})
            else:
                typer.echo(spoken()("refused: {code}: {why}", code=refused.code, why=refused.sentence))
            raise typer.Exit(EXIT_UNSAFE) from None
    if json:
        print_json({**fields, "answer": answer})
    else:
        _show(answer)


def _find(contracts: Mapping[str, Contract], query: str) -> tuple[Contract, Query]:
    name, _, verb = query.partition(".")
    contract = contracts.get(name)
    if contract is None or not contract.queries:
        able = ", ".join(name for name, each in contracts.items() if each.queries)
        raise UserError(f"there is no contract {name!r} that answers queries; {able} do")
    asked = contract.queries.get(verb)
    if asked is None:
        raise UserError(f"{name} has no query {verb!r}; it has {', '.join(contract.queries)}")
    return contract, asked


def _typed(query: str, asked: Query, arguments: str) -> Any:
    try:
        return msgspec.json.decode(arguments, type=asked.arguments)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise UserError(f"{query} asks for {_shape(asked)}, as JSON: {error}") from None


def _shape(asked: Query) -> str:
    """`{"bill_no": str}`."""
    fields = msgspec.structs.fields(asked.arguments)
    return "{" + ", ".join(f'"{field.name}": {getattr(field.type, "__name__", field.type)}' for field in fields) + "}"


def _show_queries(contracts: Mapping[str, Contract], reader: Reader) -> None:
    words = spoken()
    rows = [
        (f"{contract.name}.{asked.name}", _shape(asked), _reach(asked, reader.role))
        for contract in contracts.values()
        for asked in contract.queries.values()
        if asked.is_permitted(reader.role)
    ]
    if not rows:
        raise UserError(f"a {reader.role} may ask nothing")
    columns = (Column(words("query")), Column(words("arguments")), Column(words("of whose records")))
    show_table(make_console(), columns, rows)


def _reach(asked: Query, role: str) -> str:
    if asked.whose is None or role in asked.whose.others:
        return spoken()("everybody's")
    return spoken()("its own")


def _show(answer: Any) -> None:
    """Fields of a record, nested ones by their path."""
    rows = list(_flat(answer, ""))
    show_table(make_console(), (Column(""), Column("")), rows)


def _flat(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
        for place, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{place}]")
    else:
        yield path, " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


COMMAND = Command(
    "ask",
    "Ask a contract, over the ledger of a run, as one of its members, also while its nodes run.\n\n"
    "What is another's is refused with the same words as what nobody has; docs/systems.md tells who may read what.\n\n"
    "\b\nExamples, of a run of claim_day:\n  consortium ask runs/RUN hospital-1\n"
    '  consortium ask runs/RUN pharmacy-1 bill.get \'{"bill_no": "i-pharmacy-1-reuse-000"}\'\n'
    '  consortium ask runs/RUN bureau funds.balance \'{"account": "fund/employee-pool"}\' --json\n\n'
    "Exit status: 0 answered, 1 refused, 2 wrong usage or input.",
    ask,
    LOOK,
)
