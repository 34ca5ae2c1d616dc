"""`consortium sweep`: every run of a plan on all cores or on a cluster, kept as it comes; the tables at the end."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from consortium.commands.command import EXIT_STOPPED, STUDY, Command, cores, make_console
from consortium.commands.saturating import Searchers, find_all, run_search
from consortium.commands.workers import Cluster, Death, in_processes
from consortium.lab.measures.confidence import interval
from consortium.lab.measures.tables import need
from consortium.lab.measures.told import FEW_WORDS
from consortium.lab.sweeps.folder import SweepFolder
from consortium.lab.sweeps.forecast import Forecast, Size
from consortium.lab.sweeps.plan import ALIASES, LOAD, Plan, Point, Sweep, SweepError, find_sweep, make_plan, read_vary
from consortium.lab.sweeps.results import Mean
from consortium.lab.sweeps.run import Done, Job, Result, Timing, run_job
from consortium.lab.sweeps.shown import Columns
from consortium.simulation.costs.profile import load_profile

TELL_S = 5.0
TELL_TERMINAL_S = 0.5
POINTS_SHOWN_MAX = 60
WIDTH_PLAIN = 140  # characters, where no terminal would break lines


class Wanted(NamedTuple):
    """What the command line asks for. `repeat` None: as the sweep file says, or 1. `load`: shares of saturation."""

    name: str
    vary: Sequence[str]
    sets: Sequence[str]
    repeat: int | None
    seed: int | None
    jobs: int | None
    cluster: str
    out: Path | None
    profile: Path | None = None
    broker: str = ""
    load: str = ""


def sweep(
    scenario: Annotated[
        str, typer.Argument(metavar="FILE|SCENARIO", help="A sweep file (SWEEP = Sweep(…)) or a scenario, or its name.")
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH=VALUE,…", help="As --set; and `members` (validators), network.latency, timer, batch."
        ),
    ] = None,
    load: Annotated[
        str,
        typer.Option(
            metavar="SHARE,…", help="Find each configuration's saturation, then run these shares of it: 10%,90%."
        ),
    ] = "",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change one value at all points.")
    ] = None,
    repeat: Annotated[int | None, typer.Option(help="Runs of each point, with successive seeds; default 1.")] = None,
    seed: Annotated[int | None, typer.Option(help="The first seed, instead of the scenario's own.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes; default: one for each core.")] = None,
    on_cluster: Annotated[str, typer.Option(metavar="ADDRESS", help="A Dask scheduler, tcp://host:8786.")] = "",
    profile: Annotated[
        Path | None, typer.Option(help="What CPU costs (`consortium calibrate`); default: nothing.")
    ] = None,
    broker: Annotated[str, typer.Option(help="Which broker of the profile.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder; default runs/sweep-NAME-DIGEST, always the same.")] = None,
) -> None:
    wanted = Wanted(scenario, vary or (), set_ or (), repeat, seed, jobs, on_cluster, out, profile, broker, load)
    raise typer.Exit(run_sweep(wanted, make_console()))


def run_sweep(wanted: Wanted, console: Console) -> int:
    """The exit status: 0 all runs hold, 1 a check of safety failed in one (or it ended in an error), 3 one made no
    progress, 130 stopped. Raises SweepError, ScenarioError, ClusterError, MissingExtra, OSError."""
    need("pyarrow", "`consortium sweep` writes Parquet, which", "frames")
    if wanted.jobs is not None and wanted.jobs < 1:
        raise SweepError(f"--jobs {wanted.jobs}: expected 1 or more processes")
    if wanted.cluster and wanted.jobs is not None:
        raise SweepError("--jobs is for this machine and --on-cluster for another: name one of them")
    if wanted.broker and wanted.profile is None:
        raise SweepError("--broker names one of a profile; add --profile FILE, or leave it out")
    profile = None if wanted.profile is None else load_profile(wanted.profile, wanted.broker)
    plan = make_plan(_asked(wanted), wanted.seed, profile)
    out = wanted.out or Path("runs") / f"sweep-{plan.name}-{plan.digest[:8]}"
    folder = SweepFolder(out, plan, _command(wanted, out))
    with ExitStack() as stack:
        cluster = stack.enter_context(closing(Cluster(wanted.cluster))) if wanted.cluster else None
        stack.enter_context(folder.owned())
        results = folder.done()
        _tell_plan(plan, len(results), out, console)
        try:
            if plan.is_loaded:
                folder.begin(find_all(folder, _searchers(cluster, wanted.jobs), console))
        except KeyboardInterrupt:
            console.print("\nstopped while saturation was looked for; what was found is kept; the same command goes on")
            return EXIT_STOPPED
        todo = [job for job in folder.jobs() if (job.point, job.repeat) not in results]
        try:
            processes = min(len(todo), wanted.jobs or cores()) if cluster is None else cluster.processes
            _work(folder, todo, results, _runner(cluster, wanted.jobs), processes, console)
        except KeyboardInterrupt:
            console.print(f"\nstopped: {len(results)} of {plan.runs} runs are done and kept; the same command goes on")
            return EXIT_STOPPED
        folder.write_tables(results)
    _tell_points(plan, results, console)
    return _tell_outcome(plan, results, out, console)


def _asked(wanted: Wanted) -> Sweep:
    """The sweep file or scenario, with what the command line says instead."""
    found = find_sweep(wanted.name)
    vary: dict[str, Any] = {**found.vary, **read_vary(wanted.vary)}
    if wanted.load:
        vary[LOAD] = [word.strip() for word in wanted.load.split(",")]
    repeat = found.repeat if wanted.repeat is None else wanted.repeat
    return replace(found, vary=vary, repeat=repeat, sets=(*found.sets, *wanted.sets))


def _command(wanted: Wanted, out: Path) -> str:
    """Where it runs is left out: results do not depend on it."""
    parts = ["consortium sweep", shlex.quote(wanted.name)]
    parts += [f"--vary {shlex.quote(text)}" for text in wanted.vary]
    parts += [f"--load {shlex.quote(wanted.load)}"] if wanted.load else []
    parts += [f"--set {shlex.quote(text)}" for text in wanted.sets]
    parts += [] if wanted.repeat is None else [f"--repeat {wanted.repeat}"]
    parts += [] if wanted.seed is None else [f"--seed {wanted.seed}"]
    parts += [] if wanted.profile is None else [f"--profile {shlex.quote(str(wanted.profile))}"]
    parts += [f"--broker {shlex.quote(wanted.broker)}"] if wanted.broker else []
    return " ".join([*parts, f"--out {shlex.quote(str(out))}"])


# --- the work ---------------------------------------------------------------------------------------------------------


Runner = Callable[[Sequence[Job]], Generator[Done | Death[Job] | None, None, None]]


def _runner(cluster: Cluster | None, jobs: int | None) -> Runner:
    if cluster is not None:
        return lambda todo: cluster.run(run_job, todo)
    return lambda todo: in_processes(run_job, todo, min(jobs or cores(), len(todo)))


def _searchers(cluster: Cluster | None, jobs: int | None) -> Searchers:
    if cluster is not None:
        return lambda todo: cluster.run(run_search, todo)
    return lambda todo: in_processes(run_search, todo, min(jobs or cores(), len(todo)))


def _work(
    folder: SweepFolder,
    todo: Sequence[Job],
    results: dict[tuple[int, int], Done],
    run: Runner,
    processes: int,
    console: Console,
) -> None:
    if not todo:
        return
    progress = _Progress(folder.plan, todo, results.values(), processes, console)
    with closing(run(todo)) as arriving:
        for found in arriving:
            if isinstance(found, Death):
                console.print(_where(folder.plan, found), style="red", markup=False, soft_wrap=True)
            done = _died(found.job) if isinstance(found, Death) and found.is_final else found
            if done is not None and not isinstance(done, Death):
                if done.result.outcome != "error":
                    folder.keep(done)
                results[done.point, done.repeat] = done
                progress.add(done)
            progress.tell()
    progress.end()


def _where(plan: Plan, death: Death[Job]) -> str:
    return death.sentence(f"point {death.job.point}, seed {plan.seeds[death.job.repeat]}")


def _died(job: Job) -> Done:
    """The result of a run that kills its process. As every error it is not kept: the same command tries it again."""
    why = "the process of this run died twice: out of memory, or killed"
    return Done(job.point, job.repeat, Result("error", 1, why), Timing(0.0, 0.0, 0, ""))


class _Progress:
    """Runs done, their rate, and the time left by what runs took so far. `known`: of runs that were done before."""

    def __init__(
        self, plan: Plan, todo: Sequence[Job], known: Iterable[Done], processes: int, console: Console
    ) -> None:
        self._forecast = Forecast({point.number: _size(point) for point in plan.points})
        self._before = 0
        for done in known:
            self._before += 1
            self._forecast.add(done.point, done.timing.wall_s)
        self._left = Counter(job.point for job in todo)
        self._todo = len(todo)
        self._processes = max(1, processes)
        self._done = 0
        self._bad = 0
        self._console = console
        self._begun_s = self._told_s = self._came_s = time.monotonic()

    def add(self, done: Done) -> None:
        self._done += 1
        self._left[done.point] -= 1
        self._came_s = time.monotonic()
        if done.timing.wall_s:
            self._forecast.add(done.point, done.timing.wall_s)
        if done.result.outcome != "holds":
            self._bad += 1

    def tell(self) -> None:
        moment = time.monotonic()
        if moment - self._told_s < (TELL_TERMINAL_S if self._console.is_terminal else TELL_S):
            return
        self._told_s = moment
        if self._console.is_terminal:
            self._console.file.write(f"\r\x1b[K{self._line(moment)}")
            self._console.file.flush()
        else:
            self._console.print(self._line(moment), markup=False, soft_wrap=True)

    def end(self) -> None:
        if self._console.is_terminal:
            self._console.file.write("\r\x1b[K")
        self._console.print(self._line(time.monotonic()), markup=False, soft_wrap=True)

    def _line(self, moment: float) -> str:
        passed_s = max(moment - self._begun_s, 1e-9)
        bad = f", {self._bad} of them did not hold" if self._bad else ""
        told = f"{self._before + self._done} of {self._before + self._todo} runs{bad}"
        if self._done == self._todo:
            return f"{told}; {_duration(passed_s)} in all"
        left = self._forecast.left_s(self._left.elements())
        words = "" if left is None else f"; {_left_words(*(self._wait_s(each, moment) for each in left))} left"
        return f"{told}; {_duration(passed_s)} so far{words}"

    def _wait_s(self, work_s: float, moment: float) -> float:
        """Shared by the processes, and what passed since a run came is no longer to come."""
        return max(0.0, work_s / self._processes - (moment - self._came_s))


def _size(point: Point) -> Size:
    return Size(len(point.scenario.members), int(point.scenario.workload.options.get("transactions") or 1))


def _left_words(least_s: float, most_s: float) -> str:
    """`about 5 min`; where it may be much more, `5 min to 2.0 h`."""
    least, most = _duration(least_s), _duration(most_s)
    return f"about {most}" if most_s < 1.25 * least_s or least == most else f"{least} to {most}"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 100 else f"{whole // 60} min" if whole < 6_000 else f"{whole / 3_600:.1f} h"


# --- telling ----------------------------------------------------------------------------------------------------------


def _tell_plan(plan: Plan, known: int, out: Path, console: Console) -> None:
    seeds = f"seed {plan.seeds[0]}" if len(plan.seeds) == 1 else f"seeds {plan.seeds[0]} to {plan.seeds[-1]}"
    points = "1 point" if len(plan.points) == 1 else f"{len(plan.points)} points"
    again = f"; {known} are done already" if known else ""
    console.print(f"{plan.name}: {points}, {seeds}, {plan.runs} runs{again}", markup=False, soft_wrap=True)
    console.print(f"folder: {out}", markup=False, soft_wrap=True)


def _tell_points(plan: Plan, results: Mapping[tuple[int, int], Done], console: Console) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for axis in axis_words(plan.axes) or ("point",):
        table.add_column(axis, justify="right", overflow="fold")
    held = {point.number: _means(results, point.number, len(plan.seeds)) for point in plan.points}
    columns = Columns(plan.axes, held.values())
    for words in columns.heads:
        table.add_column(words, justify="right", overflow="fold")
    are_all_well = all(done.result.outcome == "holds" for done in results.values())
    if not are_all_well:
        table.add_column("outcome")
    for point in plan.points[:POINTS_SHOWN_MAX]:
        done = [results[point.number, repeat].result for repeat in range(len(plan.seeds))]
        settings = [str(point.settings[axis]) for axis in plan.axes] or [str(point.number)]
        outcomes = Counter(result.outcome for result in done)
        words = (
            "holds"
            if outcomes["holds"] == len(done)
            else ", ".join(f"{n} {word}" for word, n in sorted(outcomes.items()))
        )
        cells = [*settings, *columns.cells(held[point.number])]
        table.add_row(*cells, *([] if are_all_well else [words]))
    if not console.is_terminal:
        console.width = max(console.width, WIDTH_PLAIN)
    console.print(table)
    console.print(f"throughput and latency {columns.warm_up}; {FEW_WORDS}", style="dim", markup=False, soft_wrap=True)
    if len(plan.points) > POINTS_SHOWN_MAX:
        console.print(f"and {len(plan.points) - POINTS_SHOWN_MAX} points more, in points.csv")


def axis_words(axes: Sequence[str]) -> tuple[str, ...]:
    """The last word of each path, or the whole path where another one ends in the same. A short name stays
    whole, and is told with the unit that its values have."""
    ends = [axis if axis in ALIASES else axis.rpartition(".")[2] for axis in axes]
    ends = [f"{end}, us" if ALIASES.get(end, "").endswith("_us") else end for end in ends]
    return tuple(end if ends.count(end) == 1 else axis for end, axis in zip(ends, axes, strict=True))


def _means(results: Mapping[tuple[int, int], Done], point: int, repeat: int) -> dict[str, Mean]:
    """Of the runs of a point that hold."""
    held = [result for index in range(repeat) if (result := results[point, index].result).outcome == "holds"]
    values: dict[str, list[float]] = {}
    for result in held:
        for name, value in result.figures.items():
            values.setdefault(name, []).append(value)
    means = {name: interval(each) for name, each in values.items()}
    return {name: Mean(found.mean, found.low, found.high, found.values) for name, found in means.items()}


def _tell_outcome(plan: Plan, results: Mapping[tuple[int, int], Done], out: Path, console: Console) -> int:
    bad = [results[key] for key in sorted(results) if results[key].result.outcome != "holds"]
    for done in bad[:10]:
        where = f"point {done.point}, seed {plan.seeds[done.repeat]}"
        console.print(f"{where}: {done.result.outcome}: {done.result.why}", style="red", markup=False, soft_wrap=True)
    if len(bad) > 10:
        console.print(f"and {len(bad) - 10} more, in runs.csv", style="red")
    verdict = f"{len(bad)} of {plan.runs} runs did not hold" if bad else f"all {plan.runs} runs hold"
    console.print(f"\n{verdict}; ± is the 95 % confidence interval over seeds", style="bold", soft_wrap=True)
    console.print(
        f"results: {out}/runs.csv, points.csv, … (README.md explains every file)", markup=False, soft_wrap=True
    )
    statuses = {done.result.exit_status for done in bad}
    return 1 if 1 in statuses else 3 if statuses else 0


COMMAND = Command(
    "sweep",
    "Run a scenario in the simulator at every combination of some values, with several seeds each; tables as CSV and "
    "Parquet (docs/measures.md). Stopped in the middle, the same command goes on.\n\n\b\nExamples:\n"
    "  consortium sweep low_load --vary members=4,7,10 --repeat 5\n"
    "  consortium sweep low_load --vary network.latency=1ms,20ms,80ms --vary batch=10,100\n"
    "  consortium sweep studies/throughput_and_latency --load 10%,50%,90%\n"
    "  consortium sweep studies/latency_of_members_on_a_wan --on-cluster tcp://host:8786\n\n"
    "Exit status: 0 all checks hold, 1 a safety check failed, 2 wrong usage or input, 3 no progress.",
    sweep,
    STUDY,
)
