"""`consortium calibrate`: measure what things cost on this machine, and write the profile that simulations use."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from consortium import __version__
from consortium.commands.command import STUDY, Command, make_console
from consortium.commands.command import cores as usable_cores
from consortium.core.errors import UserError
from consortium.simulation.costs.profile import BrokerCost, Profile, encode_profile
from nodes.broker.mosquitto import find_mosquitto
from nodes.calibration.bus import BusMeasure, measure_bus
from nodes.calibration.host import HostMeasure, measure_host
from nodes.calibration.rehearsal import rehearse

REPEATS = 7
REHEARSALS = 3
SPREAD_MAX = 0.25  # between the quartiles of the repeats, over their median
LOAD_MAX = 0.5  # runnable processes per core before we begin
LIBRARIES = ("msgspec", "PyNaCl", "aiomqtt", "paho-mqtt", "amqtt", "uvloop")


def calibrate(
    out: Annotated[Path, typer.Option(help="The file to write; on the disk that runs are kept on.")] = Path(
        "profile.json"
    ),
    allow_noise: Annotated[bool, typer.Option("--allow-noise", help="Write it, even if the repeats disagree.")] = False,
) -> None:
    write_profile(out, make_console(), allow_noise=allow_noise)


def write_profile(out: Path, console: Console, *, allow_noise: bool) -> Profile:
    """Measure, and write `out`. Raises UserError, also where the machine was too busy to trust it."""
    if not out.absolute().parent.is_dir():
        raise UserError(f"{out}: there is no folder {out.parent}; make it first, or name another file with --out")
    cores = usable_cores()
    load = os.getloadavg()[0] / cores
    if load > LOAD_MAX and not allow_noise:
        raise UserError(
            f"this machine is busy ({load * cores:.1f} processes want its {cores} cores), so what is measured now "
            "would not be true: stop the others, or write a doubtful profile with --allow-noise"
        )
    folder = Path(tempfile.mkdtemp(prefix=".calibrate-", dir=out.absolute().parent))
    try:
        buses = {kind: measure_bus(kind, folder, REPEATS, _Tell(console)) for kind in _brokers()}
        host = measure_host(folder, REPEATS, _Tell(console))
        profile = rehearse(_profile(buses, host, cores), folder, REHEARSALS, _Tell(console))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if profile.noise > SPREAD_MAX and not allow_noise:
        raise UserError(
            f"the measurements disagree by {profile.noise:.0%} (more than {SPREAD_MAX:.0%}), so nothing was written: "
            "something else used this machine; try again when it is quiet, or write a doubtful profile with "
            "--allow-noise"
        )
    part = out.with_name(out.name + ".part")
    part.write_bytes(encode_profile(profile))
    part.replace(out)
    tell(profile, host, console)
    console.print(f"written: {out}", markup=False)
    return profile


class _Tell:
    """A line per thing that is measured, as it begins."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, what: str) -> None:
        self._console.print(f"measuring {what} …", markup=False)


def _brokers() -> list[str]:
    try:
        find_mosquitto()
    except UserError:
        return ["embedded"]
    return ["embedded", "mosquitto"]


def _profile(buses: dict[str, BusMeasure], host: HostMeasure, cores: int) -> Profile:
    first = next(iter(buses.values()))
    brokers: dict[str, BrokerCost] = {kind: measured.broker for kind, measured in buses.items()}
    now = datetime.now(UTC)
    return Profile(
        name=f"{platform.machine()}-{cores}-cores-{now:%Y%m%d-%H%M}",
        machine=f"{_processor()}, {platform.system()} {platform.release()}",
        cores=cores,
        python=platform.python_version(),
        versions={"consortium": __version__, **_versions()},
        date=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        noise=round(max(host.spread, *(measured.spread for measured in buses.values())), 3),
        suites=host.suites,
        host=host.host,
        bus=first.bus,
        store=host.store,
        broker="embedded",
        brokers=brokers,
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def tell(profile: Profile, host: HostMeasure, console: Console) -> None:
    """The profile for a person."""
    suite, own, bus, store = profile.suite("ed25519"), profile.host, profile.bus, profile.store
    lines = [
        f"{profile.machine}, {profile.cores} cores, Python {profile.python}",
        f"signature    sign {suite.sign_ns / 1e3:.1f} us, verify {suite.verify_ns / 1e3:.1f} us (Ed25519)",
        f"host         event {own.event_ns / 1e3:.1f} us, bundle {own.bundle_ns / 1e3:.1f} us, execute a transaction "
        f"{own.execute_ns / 1e3:.1f} us, block {own.block_ns / 1e3:.1f} us",
        f"bytes        hash {own.hash_kib_ns} ns, decode {own.decode_kib_ns} ns, handle {own.handle_kib_ns} ns a KiB",
        f"bus          publish {bus.publish_ns / 1e3:.1f} us, receive {bus.receive_ns / 1e3:.1f} us, wake up "
        f"{bus.turn_ns / 1e3:.1f} us of CPU and {bus.wake_ns / 1e3:.1f} us of waiting",
        *(
            f"broker       {kind}: publish {broker.publish_ns / 1e3:.1f} us, delivery {broker.delivery_ns / 1e3:.1f} us"
            for kind, broker in sorted(profile.brokers.items())
        ),
        f"disk         sync of votes {store.sync_ns / 1e3:.0f} us; a block {store.commit_ns / 1e3:.0f} us of CPU and "
        f"{store.row_ns / 1e3:.1f} us a row, then {store.commit_wait_ns / 1e3:.0f} us of waiting",
        f"processes    real nodes use {profile.busy_ppm / 1e6:.2f} times that CPU when busy, "
        f"{profile.idle_ppm / 1e6:.2f} times when they were idle",
        f"trust        repeats differ by {profile.noise:.0%}; the prices of steps miss up to {host.unexplained:.0%} of "
        "a run's CPU",
    ]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


COMMAND = Command(
    "calibrate",
    "Measure what signatures, steps, messages and the disk cost on this machine, and write a profile that "
    "simulations use. Takes some two minutes; the machine should do nothing else.\n\n\b\nExamples:\n"
    "  consortium calibrate\n  consortium run low_load --on simulator --profile profile.json\n"
    "  consortium run low_load --on simulator --profile profile.json --broker mosquitto\n\n"
    "Exit status: 0 written, 2 the machine was too busy, or wrong usage.",
    calibrate,
    STUDY,
)
