"""Making the folder of a standing consortium: keys, genesis, settings and brokers, whole or not at all."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from consortium import __version__
from consortium.core.calendar import compute_day
from consortium.core.genesis import Parameters
from consortium.runs.folder import FORMAT_FILE, HANDS_FILE, README, encode_format, write_whole
from consortium.scenario.scenario import MemberSpec
from consortium.scenario.standing_members import standing_scenario
from nodes.broker.broker import LOOPBACK
from nodes.conduct.member_files import (
    Making,
    Plan,
    begin_members,
    in_the_making,
    make_plan,
    write_all_settings,
    write_inputs,
)
from nodes.deploy.authority import LOCAL_HOSTS, Authority
from nodes.deploy.brokers import BrokerKind, lay_bus_certificate, lay_gateway_certificate, make_tls_broker
from nodes.deploy.deployment import FORMAT, Deployment, GatewayPlace, How, write_deployment
from nodes.deploy.places import ANYWHERE, BusPlaces, bus_places, gateway_places
from nodes.errors import UserError
from nodes.gateway.making import desk_call, make_gateway
from nodes.process.keys import passphrase_of, write_private, write_readable
from nodes.process.settings import NodeFolder

_README = """# A consortium that stands

{members} organisations, each with a node of its own. `consortium up --dir {folder}` brings it up where it stopped.

    consortium status --dir {folder}     # who is up, and how far
    consortium check {folder}            # judge all that happened
    consortium report {folder}           # write report.html
    consortium down --dir {folder}       # stop it; its data stays

| file | what it holds |
| --- | --- |
| `consortium.json` | what runs here, and where it listens |
| `genesis.json` | everything that fixes the chain before its first height |
| `scenario.json` | the members and parameters that it was made from |
| `hands.jsonl` | what people did to it by hand |
| `page.json` | who may see the page at its gateways, and what may be done there |
| `nodes/NAME/` | the node of one member: keys, ledger, votes, private records, trace, log (mode 0600 where secret) |
| `nodes/NAME/gateway/` | its gateway: applications, keys and tokens; `desk.token` is for you to try |
| `broker-N/` | a broker between them |
| `ca.crt` | the certificate that brokers and gateways are known by |
| `authority/` | who issues such certificates (mode 0700): whoever has it can speak for anybody |
{keeper}
"""


GatewayHosts = Callable[[str], Sequence[str]]

KEEPERS: dict[How, str] = {
    "local": "| `supervisor/` | what keeps the processes up |",
    "docker": "| `compose.yaml` | what keeps the containers up |",
}


def make_consortium(
    folder: Path,
    members: Sequence[MemberSpec],
    kind: BrokerKind,
    how: How = "local",
    brokers: int = 1,
    passphrase_file: Path | None = None,
    gateway_hosts: GatewayHosts = lambda _: (),
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Deployment:
    """Everything that `up` starts, in a folder that is missing or empty. `gateway_hosts(name)`: by what else than as
    this machine the gateway of a member is called. `options`: more of the workload `standing`. Raises UserError; then
    it leaves nothing."""
    _claim(folder)
    if passphrase_file is not None and how != "local":
        raise UserError("--passphrase-file is for local processes: a container does not see the file")
    passphrase = b"" if passphrase_file is None else passphrase_of(passphrase_file)()
    now_us = time.time_ns() // 1_000
    scenario = standing_scenario(tuple(members), compute_day(now_us, Parameters().utc_offset_minutes), options=options)
    plan = make_plan(scenario)
    with in_the_making(folder, "--dir") as making:
        places = bus_places(how, kind, brokers)
        names = tuple(member.name for member in scenario.members)
        gateways = gateway_places(names, [broker.port for broker in places.brokers])
        made = begin_members(making, _with_desks(making, plan, how, gateways), passphrase)
        write_inputs(made)
        _write_certificates_and_brokers(made, places, gateway_hosts)
        deployment = Deployment(FORMAT, __version__, how, names, tuple(places.brokers), gateways)
        write_whole(making / README, _readme(folder, deployment))
        write_whole(making / FORMAT_FILE, encode_format())
        write_private(making / HANDS_FILE, b"")
        write_deployment(making, deployment)
    return deployment


def _readme(folder: Path, deployment: Deployment) -> bytes:
    place, keeper = shlex.quote(str(folder)), KEEPERS[deployment.how]
    return _README.format(members=len(deployment.members), folder=place, keeper=keeper).encode()


def _claim(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: name a folder with --dir")
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder} holds something else, and no consortium: name another folder with --dir")


def _with_desks(making: Path, plan: Plan, how: How, gateways: Mapping[str, GatewayPlace]) -> Plan:
    """Each member's gateway, and the plan with a genesis that knows the application `desk` of each."""
    host, suite = LOOPBACK if how == "local" else ANYWHERE, plan.scenario.suite
    calls = [
        desk_call(name, make_gateway(NodeFolder(making, name), name, host, place.port, suite))
        for name, place in sorted(gateways.items())
    ]
    return plan._replace(prepared=plan.prepared._replace(calls=(*plan.prepared.calls, *calls)))


def _write_certificates_and_brokers(made: Making, places: BusPlaces, gateway_hosts: GatewayHosts) -> None:
    """An authority, the folders of the brokers, each member's certificates, and its settings: where it connects."""
    names = sorted(made.keys)
    hosts = (*places.hosts, *(host for name in names for host in gateway_hosts(name)))
    authority = Authority.create(made.folder / "authority", f"consortium {made.genesis.chain.hex()[:10]}", hosts)
    write_readable(made.folder / "ca.crt", authority.ca_pem)
    brokers = [
        make_tls_broker(
            place.kind,
            made.folder / place.name,
            place.port,
            place.host,
            made.genesis.chain,
            names,
            authority,
            hosts=places.hosts,
            bind=places.bind,
            user=places.user,
        )
        for place in places.brokers
    ]
    for name in names:
        node = NodeFolder(made.folder, name).folder
        lay_bus_certificate(node, authority, name)
        lay_gateway_certificate(node, authority, name, (*LOCAL_HOSTS, *gateway_hosts(name)))
    write_all_settings(made, {name: [broker.addresses[name] for broker in brokers] for name in names})
