"""Making the folder of a standing consortium: keys, genesis, settings and brokers, whole or not at all."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from consortium import __version__
from consortium.core.calendar import compute_day
from consortium.core.genesis import Parameters
from consortium.runs.folder import FORMAT_FILE, HANDS_FILE, README, encode_format, write_whole
from consortium.scenario.scenario import MemberSpec, Scenario
from consortium.scenario.standing_members import standing_scenario
from nodes.broker.broker import LOOPBACK, OwnBroker, make_broker
from nodes.conduct.member_files import Making, begin_members, in_the_making, make_plan, write_all_settings, write_inputs
from nodes.deploy.deployment import FORMAT, BrokerPlace, Deployment, write_deployment
from nodes.errors import UserError
from nodes.process.keys import write_private

BROKER = "broker-1"

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
| `nodes/NAME/` | the node of one member: keys, ledger, votes, private records, trace, log (mode 0600 where secret) |
| `broker-1/` | the broker between them |
| `supervisor/` | what keeps the processes up |
"""


def make_consortium(folder: Path, members: Sequence[MemberSpec], broker_kind: str) -> Deployment:
    """Everything that `up` starts, in a folder that is missing or empty. Raises UserError; then it leaves nothing."""
    _claim(folder)
    now_us = time.time_ns() // 1_000
    scenario = standing_scenario(tuple(members), compute_day(now_us, Parameters().utc_offset_minutes))
    plan = make_plan(scenario)
    with in_the_making(folder, "--dir") as making:
        made = begin_members(making, plan)
        write_inputs(made)
        deployment = _write_brokers(made, scenario, broker_kind)
        readme = _README.format(members=len(members), folder=shlex.quote(str(folder)))
        write_whole(making / README, readme.encode())
        write_whole(making / FORMAT_FILE, encode_format())
        write_private(making / HANDS_FILE, b"")
        write_deployment(making, deployment)
    return deployment


def _claim(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: name a folder with --dir")
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder} holds something else, and no consortium: name another folder with --dir")


def _write_brokers(made: Making, scenario: Scenario, kind: str) -> Deployment:
    """The broker's folder, and the settings of the nodes, who connect to it."""
    broker = make_broker(kind, made.folder / BROKER, made.genesis.chain, sorted(made.keys))
    assert isinstance(broker, OwnBroker)
    write_all_settings(made, {name: (address,) for name, address in broker.addresses.items()})
    names = tuple(member.name for member in scenario.members)
    place = BrokerPlace(BROKER, "mosquitto" if kind == "mosquitto" else "embedded", LOOPBACK, broker.port)
    return Deployment(FORMAT, __version__, "local", names, (place,))
