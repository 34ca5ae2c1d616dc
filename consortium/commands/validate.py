"""`consortium compare --validate`: one scenario as local processes and in the simulator, and how far apart they are."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from consortium import __version__
from consortium.commands.calibrate import write_profile
from consortium.commands.folders import finish
from consortium.commands.run import run_local_into, simulate_into
from consortium.core.errors import UserError
from consortium.lab.comparison.validation import (
    FIGURES,
    Both,
    Validation,
    ValidationError,
    load_validation,
    validation_csv,
    verdict,
)
from consortium.lab.figures.curves import Curve, Stack, empirical, latency_cdf, phase_stack
from consortium.lab.figures.paper import Picture, save
from consortium.lab.figures.scaling import Dot, Series, against
from consortium.lab.figures.source import source_of
from consortium.lab.measures.distributions import Distributions, distributions
from consortium.lab.measures.measures import Measures, number
from consortium.lab.measures.tables import write_whole
from consortium.lab.pages import page
from consortium.lab.sweeps.results import Mean
from consortium.runs.machine_words import machine_words
from consortium.runs.run import Run
from consortium.scenario.network.model import as_local_processes
from consortium.scenario.scenario import Scenario
from consortium.simulation.costs.profile import Profile, load_profile
from nodes.broker.mosquitto import find_mosquitto

_README = """# {name}: simulated against real

{question}

{verdict}

| file | what it holds |
| --- | --- |
| `validation.html` | errors, where they come from, pictures; one file, opens offline |
| `validation.csv` | a row for each size and figure: real, simulated, error |
| `figures/` | the pictures as SVG and PNG |
| `profile.json` | what things cost on this machine, as the simulations used it |
| `runs/` | every run's folder: `nN-local-R`, `nN-simulator-R` |
"""


class Asked(NamedTuple):
    """What the command line asks for. `profile` None: measured now."""

    study: Path
    profile: Path | None
    broker: str
    members: Sequence[int]
    sets: Sequence[str]
    allow_noise: bool


class _Ran(NamedTuple):
    run: Run
    found: Distributions
    measures: Measures


class _Size(NamedTuple):
    both: Both
    real: Sequence[_Ran]
    simulated: Sequence[_Ran]


def load_study(asked: Asked) -> Validation:
    """Raises ValidationError, ScenarioError."""
    return load_validation(asked.study, asked.members, asked.sets)


def validate(asked: Asked, study: Validation, out: Path, console: Console) -> None:
    """Calibrate (or read a profile), run all sizes both ways, tell and write. Raises ValidationError, UserError,
    ProfileError, OSError."""
    broker = _broker(asked.broker or study.broker, console)
    profile = _profile(asked, broker, out, console)
    write_whole(out / "profile.json", msgspec.json.format(msgspec.json.encode(profile), indent=2) + b"\n")
    sizes = [_run_size(study, members, broker, profile, out / "runs", console) for members in study.members]
    both = [size.both for size in sizes]
    tell(both, console)
    pictures = _pictures(sizes)
    save(pictures, out / "figures")
    write_whole(out / "validation.csv", validation_csv(both))
    write_whole(out / "validation.html", validation_page(study, both, profile, broker, pictures).encode())
    readme = _README.format(name=study.name, question=study.question, verdict=verdict(both))
    write_whole(out / "README.md", readme.encode())
    console.print(f"report: {out / 'validation.html'}", markup=False, soft_wrap=True)


def _broker(wanted: str, console: Console) -> str:
    if wanted not in ("mosquitto", "embedded"):
        raise ValidationError(f"--broker {wanted!r}: expected mosquitto or embedded, whose costs a profile holds")
    if wanted == "mosquitto":
        try:
            find_mosquitto()
        except UserError:
            console.print("there is no mosquitto here: the embedded broker takes its place", markup=False)
            return "embedded"
    return wanted


def _profile(asked: Asked, broker: str, out: Path, console: Console) -> Profile:
    if asked.profile is not None:
        return load_profile(asked.profile, broker)
    write_profile(out / "profile.json", console, allow_noise=asked.allow_noise)
    return load_profile(out / "profile.json", broker)


# --- the runs ---------------------------------------------------------------------------------------------------------


def _run_size(study: Validation, members: int, broker: str, profile: Profile, folder: Path, console: Console) -> _Size:
    real, simulated, others = [], [], []
    for index in range(study.repeat):
        scenario = study.at(members, index)
        console.print(f"n = {members}, run {index + 1} of {study.repeat}: local processes …", markup=False)
        before = _Usage.now()
        place = folder / f"n{members}-local-{index + 1}"
        run = run_local_into(scenario, place, broker, False, _silent())
        others.append(before.share_of_others())
        real.append(_judged(place, run))
        console.print(f"n = {members}, run {index + 1} of {study.repeat}: simulator …", markup=False)
        alike: Scenario = msgspec.structs.replace(scenario, network=as_local_processes(scenario.network))
        place = folder / f"n{members}-simulator-{index + 1}"
        simulated.append(_judged(place, simulate_into(alike, place, _silent(), profile)))
    both = Both(members, [ran.measures for ran in real], [ran.measures for ran in simulated], others)
    return _Size(both, real, simulated)


def _silent() -> Console:
    return Console(quiet=True)


def _judged(folder: Path, run: Run) -> _Ran:
    verdicts, measures = finish(folder, run)
    failed = [verdict.name for verdict in verdicts if verdict.fails]
    if run.is_partial or failed:
        why = f"the check {failed[0]} fails" if failed else "it was stopped"
        raise ValidationError(f"{folder}: {why}, so its figures say nothing; look at its report.html")
    return _Ran(run, distributions(run.trace), measures)


class _Usage(NamedTuple):
    """CPU seconds since the machine began: of everybody, of all cores, and of us and our children."""

    busy: float
    whole: float
    own: float

    @classmethod
    def now(cls) -> _Usage:
        own = sum(
            used.ru_utime + used.ru_stime
            for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
        )
        try:
            fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
            ticks = [int(field) / 100 for field in fields]
        except (OSError, ValueError, IndexError):
            return cls(0.0, 0.0, own)
        idle = ticks[3] + ticks[4]
        return cls(sum(ticks) - idle, sum(ticks), own)

    def share_of_others(self) -> float | None:
        """Of all cores' time since then: what neither we nor our children had; what its host took included."""
        after = _Usage.now()
        whole = after.whole - self.whole
        if whole <= 0:
            return None
        return max(0.0, (after.busy - self.busy) - (after.own - self.own)) / whole


# --- telling ----------------------------------------------------------------------------------------------------------


def tell(sizes: Sequence[Both], console: Console) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("n", justify="right")
    for words, unit in FIGURES.values():
        table.add_column(f"{words}, {unit}\nreal | simulated", justify="right", no_wrap=True)
        table.add_column("\nerror", justify="right", no_wrap=True)
    for both in sizes:
        table.add_row(str(both.members), *_cells(both))
    console.print(table)
    for both in sizes:
        console.print(f"n = {both.members}: {'; '.join(both.reasons())}", markup=False, soft_wrap=True)
    console.print(verdict(sizes), markup=False, soft_wrap=True)


def _cells(both: Both) -> list[str]:
    cells = []
    for name in FIGURES:
        told = ["-" if value is None else number(value, "1") for value in both.pair(name)]
        error = both.error(name)
        cells += [" | ".join(told), "-" if error is None else f"{error:+.1%}"]
    return cells


def validation_page(
    study: Validation, sizes: Sequence[Both], profile: Profile, broker: str, pictures: Sequence[Picture]
) -> str:
    question, _, story = study.question.partition("\n\n")
    head = [
        "n",
        *(cell for words, unit in FIGURES.values() for cell in (f"{words} ({unit}): real | simulated", "error")),
    ]
    rows = [(str(both.members), *_cells(both)) for both in sizes]
    phases = [
        (str(both.members), words, f"{real:.3g}", f"{simulated:.3g}", f"{simulated - real:+.3g}")
        for both in sizes
        for words, real, simulated in both.parts()
    ]
    steady = all(both.suffix for both in sizes)
    warm = "Without warm-up (MSER-5)." if steady else "Warm-up included where a run is short."
    parts = [
        page.heading(f"{study.name}: simulated against real").replace("h2>", "h1>"),
        page.paragraph(question),
        page.paragraph(story) if story else "",
        page.paragraph(verdict(sizes)),
        page.table(head, rows, range(len(head))),
        page.paragraph(
            f"Means of {study.repeat} runs each, seeds {study.scenario.seed} and on; an error is simulated / real - 1. "
            f"{warm}",
            is_note=True,
        ),
        page.heading("Where the error comes from"),
        *(page.paragraph(f"n = {both.members}: {'; '.join(both.reasons())}.") for both in sizes),
        page.table(("n", "phase", "real (ms)", "simulated (ms)", "difference (ms)"), phases, (0, 2, 3, 4)),
        page.paragraph(
            f"Profile {profile.name} ({profile.machine}, {profile.cores} cores, Python {profile.python}, "
            f"{profile.date}; repeats differ by {profile.noise:.0%}), broker {broker}. This machine: "
            f"{machine_words()}. consortium {__version__}. What a profile does not know: docs/networks.md.",
            is_note=True,
        ),
        page.heading("Pictures"),
        *(page.figure(picture) for picture in pictures),
    ]
    return page.page(f"{study.name}: simulated against real", parts)


def _pictures(sizes: Sequence[_Size]) -> list[Picture]:
    everything = [ran.run for size in sizes for ran in (*size.real, *size.simulated)]
    source = source_of(everything)
    kinds = (("real", [size.real for size in sizes]), ("simulated", [size.simulated for size in sizes]))
    series = [
        Series(label, [_dot(size.both, runs) for size, runs in zip(sizes, columns, strict=True)])
        for label, columns in kinds
    ]
    caption = "Thick: median latency; thin: 95th percentile; below: throughput. Bars: the least and the greatest run."
    pictures = [against("by-members", "validators", series, source, caption)]
    stacks = [
        Stack(f"n = {size.both.members}, {label}", {words: pair[index] for words, *pair in size.both.parts()})
        for size in sizes
        for index, label in enumerate(("real", "simulated"))
    ]
    pictures.append(phase_stack(stacks, source, "Means of the phases, over nodes, heights and runs."))
    for size in sizes:
        kinds_of = (("real", size.real), ("simulated", size.simulated))
        curves = [_curve(f"{kind}, run {i + 1}", ran) for kind, ran_of in kinds_of for i, ran in enumerate(ran_of)]
        runs = [ran.run for ran in (*size.real, *size.simulated)]
        name, caption = f"latency-cdf-n{size.both.members}", f"Bundles' latency at n = {size.both.members}, run by run."
        pictures.append(latency_cdf(curves[:8], source_of(runs), caption, name))
    return pictures


def _curve(label: str, ran: _Ran) -> Curve:
    return empirical(label, ran.found.steady.get("latency") or ran.found.raw["latency"])


def _dot(both: Both, runs: Sequence[_Ran]) -> Dot:
    def mean(name: str) -> Mean | None:
        values = [value for ran in runs if (value := ran.measures.get(name)) is not None]
        return Mean(sum(values) / len(values), min(values), max(values), len(values)) if values else None

    suffix = both.suffix
    return Dot(both.members, mean(f"latency{suffix}_p50"), mean(f"latency{suffix}_p95"), mean(f"throughput{suffix}"))
