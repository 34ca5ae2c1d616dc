"""`consortium up`: a consortium that stands until it is told to stop."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from consortium.commands.command import STAND, Command, make_console
from consortium.commands.language import spoken
from consortium.commands.standing import HERE, Dir, show_nodes

if TYPE_CHECKING:
    from nodes.deploy.look import NodeLook
    from nodes.deploy.preparing import Tended
    from nodes.deploy.standing import Begun


Members = Annotated[
    str | None,
    typer.Option(
        metavar="ROLE=NUMBER,…",
        help="Of a new one; default bureau=1,hospital=2,pharmacy=2,regulator=1,supplier=1.",
    ),
]
BrokerKind = Annotated[
    str, typer.Option(help="Of a new one: `embedded` or `mosquitto`; `auto`: Mosquitto where it is installed.")
]
Brokers = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="Of a new one: several serve while one is down (Mosquitto).")
]
InContainers = Annotated[bool, typer.Option("--docker", help="Of a new one: in containers, one for each program.")]
NewPorts = Annotated[
    bool, typer.Option("--new-ports", help="Take other ports in place of those that another program has.")
]
LogFormat = Annotated[
    str | None, typer.Option(metavar="FORMAT", help="How nodes and gateways write their logs: `text` or `json`.")
]
TraceParts = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="So many parts of its trace a node keeps, of 64 MB; 0: all.")
]
AllowSubmit = Annotated[bool, typer.Option("--allow-submit", help="The page has a claim form and a pack scanner.")]
AllowChaos = Annotated[bool, typer.Option("--allow-chaos", help="The page has buttons that kill, cut and heal.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="It holds the passphrase of all nodes' keys (mode 0600): a new one gets it so."),
]


def up(
    dir_: Dir = HERE,
    members: Members = None,
    broker: BrokerKind = "auto",
    brokers: Brokers = None,
    docker: InContainers = False,
    new_ports: NewPorts = False,
    log_format: LogFormat = None,
    trace_parts: TraceParts = None,
    allow_submit: AllowSubmit = False,
    allow_chaos: AllowChaos = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    from nodes.deploy.preparing import Changes, look_after, prepare
    from nodes.deploy.standing import Standing, bring_up
    from nodes.page.asked import May
    from nodes.page.permits import write_permits

    changes = Changes(log_format, trace_parts, new_ports, passphrase_file)
    changes.check()
    tended: list[Tended] = []

    def prepared(standing: Standing) -> Standing:
        found = prepare(standing, changes)
        tended.append(look_after(found))
        write_permits(standing.folder, May(allow_submit, allow_chaos))
        return found

    console = make_console()
    with console.status(spoken()("bringing up {folder}", folder=dir_)) as shown:
        how: Literal["docker"] | None = "docker" if docker else None
        begun = bring_up(
            dir_, members, broker, brokers, how, lambda text: shown.update(text), passphrase_file, prepared
        )
    typer.echo(_said(begun, dir_))
    _tell_tended(tended)
    show_nodes(console, begun.nodes)
    _tell_next(console, dir_, begun.nodes)


def _said(begun: Begun, folder: Path) -> str:
    words = spoken()
    if begun.was_up:
        return words("the consortium in {folder} is up already", folder=folder)
    if begun.is_new:
        return words("a new consortium is up in {folder}", folder=folder)
    return words("the consortium in {folder} is up again", folder=folder)


def _tell_tended(tended: Sequence[Tended]) -> None:
    for each in tended:
        for name in each.removed:
            typer.echo(spoken()("{name} was removed by vote, and has no place on the bus any more", name=name))
        for name in each.renewed:
            typer.echo(spoken()("the certificates of {name} were about to end, and are renewed", name=name))


def _tell_next(console: Console, folder: Path, nodes: Sequence[NodeLook]) -> None:
    words = spoken()
    named = "" if folder == HERE else f" --dir {shlex.quote(str(folder))}"
    place = shlex.quote(str(folder))
    hospital = next((each for each in nodes if each.role == "hospital"), nodes[0])
    lines = [
        (f"consortium status{named}", words("who is up, and how far")),
        (f"consortium kill leader{named}", words("break it")),
        (f"consortium report {shlex.quote(str(folder))}", words("what happened so far")),
        (f"consortium down{named}", words("stop it; its data stays")),
    ]
    width = max(len(command) for command, _ in lines)
    for command, meaning in lines:
        console.print(f"  {command:{width}}  {meaning}", markup=False, soft_wrap=True)
    token = f"$(cat {place}/nodes/{hospital.name}/gateway/desk.token)"
    claim = (
        f'  consortium sample claim{named} | curl --cacert {place}/ca.crt -H "Authorization: Bearer {token}" '
        f"-H 'Content-Type: application/json' -d @- https://{hospital.gateway}/v1/settlement/issue_and_claim"
    )
    if hospital.gateway:
        _tell_page(console, folder, hospital.gateway)
    console.print(f"{words('gateway')}, {hospital.name}:", markup=False)
    console.print(claim, markup=False, soft_wrap=True)


def _tell_page(console: Console, folder: Path, gateway: str) -> None:
    words = spoken()
    place = shlex.quote(str(folder))
    shown = words(
        "page: {address} (its certificate is this consortium's own: {ca})",
        address=f"https://{gateway}/",
        ca=f"{place}/ca.crt",
    )
    console.print(shown, markup=False, soft_wrap=True)
    console.print(
        words("the same without a certificate: {command}", command=f"consortium play {place}"),
        markup=False,
        soft_wrap=True,
    )


COMMAND = Command(
    "up",
    "Bring up a consortium that stands: a process for each organisation, until `consortium down`.\n\n"
    "It goes on where it stopped, and survives the end of the terminal. A node that dies is started again. "
    "Certificates that are about to end are renewed, and members that were voted out lose their place on the "
    "bus.\n\n\b\n"
    "Examples:\n  consortium up\n  consortium up --allow-submit --allow-chaos\n"
    "  consortium up --docker\n  consortium up --brokers 3\n"
    "  consortium up --dir /srv/consortium\n  consortium up --new-ports\n  consortium up --log-format json\n"
    "  consortium up --members bureau=1,hospital=3,pharmacy=1,regulator=1,supplier=1\n\n"
    "Exit status: 0 it is up, 2 wrong usage or input, or a machine on which it does not come up.",
    up,
    STAND,
)
