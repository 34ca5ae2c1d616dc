"""report.html: one file that opens offline and tells a run to a person: verdict, figures, pictures, configuration."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from importlib import metadata

import msgspec
from markupsafe import Markup

from consortium import __version__
from consortium.behaviours.twin import SUFFIX
from consortium.lab.checks.claims import Verdict
from consortium.lab.checks.money import FundLine, fund_lines
from consortium.lab.figures import overview, plots, timeline
from consortium.lab.measures import series
from consortium.lab.measures.catalogue import STATISTICS, STEADY
from consortium.lab.measures.load import fell_short
from consortium.lab.measures.measures import Measures, cpu_costs, number, phase_latencies
from consortium.lab.measures.told import FEW_WORDS, MARK, is_few, told, told_names, warm_up_words
from consortium.lab.pages import answer
from consortium.lab.pages.page import heading, joined, page, paragraph, render, svg_figure, table
from consortium.lab.pages.results import let_go_sentence
from consortium.runs.folder import place_of, place_phrase
from consortium.runs.run import ILLUSTRATIVE, ILLUSTRATIVE_SENTENCE, Run
from consortium.runs.trace import Record

LIBRARIES = ("msgspec", "PyNaCl", "aiomqtt", "amqtt", "matplotlib")


def build_report(run: Run, verdicts: Sequence[Verdict], measures: Measures) -> str:
    """The whole page. Needs no network, no script, no other file."""
    sections = [
        _heading(run, verdicts, measures),
        _answer(run),
        render("checks", verdicts=verdicts),
        _service(run),
        _leader_changes(run, measures),
        _phases(run),
        _money(run),
        _findings(run),
        _costs(run, measures),
        _figures_table(measures),
        _configuration(run),
        _versions(run),
    ]
    return page(f"{run.scenario.name}: report of a run", sections)


def yuan(amount_fen: int) -> str:
    """`-1,234.50` for −123450 fen."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100:,}.{abs(amount_fen) % 100:02d}"


def _heading(run: Run, verdicts: Sequence[Verdict], measures: Measures) -> Markup:
    scenario = run.scenario
    started = next(iter(run.records.of_kind("run")), {})
    place = place_phrase(place_of(run))
    wanted = (
        ("transactions", "transactions executed"),
        ("throughput", "mean throughput"),
        ("latency_p50", "median latency"),
        ("latency_p99", "latency, p99"),
        ("load_asked", "load asked for"),
        ("load_offered", "load offered"),
        ("view_changes", "leader changes"),
        ("service_gap_max", "longest time without service"),
    )
    question, _, story = scenario.question.strip().partition("\n\n")
    units = {figure.name: figure.unit for figure in measures.figures}
    names = told_names((name for name, _ in wanted), units)
    cards = [(told(measures, names[name], units[names[name]]), label) for name, label in wanted if names[name] in units]
    return render(
        "heading",
        scenario=scenario,
        question=question,
        story=story,
        validators=sum(member.kind == "validator" for member in scenario.members),
        place=place,
        cpu=_cpu_sentence(started),
        illustrative=ILLUSTRATIVE,
        illustrative_sentence=ILLUSTRATIVE_SENTENCE,
        verdicts=[*_verdict_lines(run, verdicts), *((False, short) for short in [fell_short(measures)] if short)],
        cards=cards,
        warm_up=warm_up_words(measures),
    )


def _verdict_lines(run: Run, verdicts: Sequence[Verdict]) -> list[tuple[bool, str]]:
    """(whether it is good news, the sentence) for the top of the page."""
    failed = [verdict.name for verdict in verdicts if verdict.fails]
    asked = sum(verdict.is_asked for verdict in verdicts)
    left_out = sum(verdict.word == "not checked" for verdict in verdicts)
    if failed:
        lines = [(False, f"{len(failed)} of {asked} checks fail: {', '.join(failed)}")]
    elif left_out:
        lines = [(False, f"{left_out} of {asked} checks found nothing to check.")]
    else:
        lines = [(True, f"All {asked} checks hold.")]
    if run.let_go is not None:
        lines.append((False, let_go_sentence(run)))
    return [*lines, (False, "The run was stopped before its end.")] if run.is_partial else lines


def _cpu_sentence(started: Record) -> str:
    """What CPU cost in a simulation; of a real run there is nothing to say. `started`: the trace's first record."""
    if started.get("on") != "simulator":
        return Markup()
    if not started.get("profile"):
        return " CPU was free: times are those of the network and the disk alone."
    broker = f", broker {started['profile_broker']}" if started.get("profile_broker") else ""
    return f" CPU and disk cost what profile {started['profile']} says ({started['cores']} cores{broker})."


def _answer(run: Run) -> Markup:
    """What the question asks for: figures before, during and after, words, and the picture that shows it."""
    trace = run.trace
    if not run.records.of_kind("executed"):
        return Markup()
    tables = [table(answer.COLUMNS, [figures.row() for figures in answer.phase_figures(trace)], range(1, 8))]
    rows = answer.each_done(trace)
    tables += [table(answer.DONE_COLUMNS, rows, range(2, 6))] if rows else []
    told = render("list", sentences=answer.sentences(run))
    honest = [member.name for member in run.scenario.members if member.name not in run.traitors]
    order = [name for member in run.scenario.members for name in (member.name, member.name + SUFFIX)]
    width_us = series.bin_width_us(series.duration_us(trace))
    picture = svg_figure(
        overview.overview(trace, honest, order),
        "The run on one time axis: Committed transactions, waiting, nodes and leader, faults, rejected messages",
        f"Grey ground: something is done to the run. Transactions when the first node executed them, in bins of "
        f"{width_us / 1e6:g} s. Shaded: work waited, and for at least {series.silence_words(trace)} nothing was "
        "executed anywhere. One dot a bundle: how long its submitter waited, by the time of its execution.",
    )
    return joined(heading("The answer"), *tables, told, picture)


def _moments(run: Run) -> list[plots.Moment]:
    return [plots.Moment(record["t_us"], series.fault_words(record)) for record in run.records.of_kind("fault")]


def _service(run: Run) -> Markup:
    trace = run.trace
    end_us = series.duration_us(trace)
    width_us = series.bin_width_us(end_us)
    gaps, moments = series.service_gaps(trace), _moments(run)
    parts = []
    ordered = sorted(latency for _, latency in series.latencies(trace))
    if ordered:
        parts.append(heading("Latency"))
        p50, p99 = (series.latency_quantiles(trace, width_us, share) for share in (0.5, 0.99))
        parts.append(
            svg_figure(
                plots.latency(p50, p99, end_us, gaps, moments),
                "Latency over time",
                "From the submission of a bundle to its execution at the node that submitted it, by time of execution.",
            )
        )
        parts.append(
            svg_figure(
                plots.latency_distribution(ordered),
                "Distribution of latency",
                f"All {len(ordered):,} bundles of the run: how many of them were executed within a time.",
            )
        )
    return joined(*parts)


def _leader_changes(run: Run, measures: Measures) -> Markup:
    trace = run.trace
    order = [member.name for member in run.scenario.members]
    parts = []
    windows = timeline.leader_change_windows(trace)
    if windows:
        gap, recovery = measures["service_gap_total"], measures.get("recovery_max")
        sentence = f"Together {gap:.2f} s without service in this run."
        if recovery is not None:
            sentence += f" From what cost a leader its place to the first block under the next: {recovery:.2f} s."
        parts += [heading("The life of the leader change"), paragraph(sentence)]
    for index, window in enumerate(windows[:4]):
        parts.append(
            svg_figure(
                timeline.timeline(trace, window, f"leader-change-{index}", order),
                "One leader change, close",
                f"From {window.start_us / 1e6:.2f} s to {window.end_us / 1e6:.2f} s: the leader falls silent, its "
                "peers ask for the next view, the new leader proves it, and blocks are executed again.",
            )
        )
        parts.append(_steps(timeline.steps_in(trace, window)))
    if len(windows) > 4:
        parts.append(paragraph(f"{len(windows) - 4} further changes are not drawn.", is_note=True))
    return joined(*parts)


def _steps(steps: Sequence[timeline.Step]) -> Markup:
    rows = []
    for before, step in zip([None, *steps], steps, strict=False):
        since = "" if before is None else f"+{(step.t_us - before.t_us) / 1e3:,.1f} ms"
        rows.append((f"{step.t_us / 1e6:.3f} s", since, step.words))
    return table(("at", "after the step before", "what happened"), rows, (0, 1)) if rows else Markup()


def _phases(run: Run) -> Markup:
    latencies = phase_latencies(run.trace)
    if not any(latencies.values()):
        return Markup()
    return heading("Where a block's time goes") + svg_figure(
        plots.phases(latencies),
        "Latency per phase of consensus",
        "One value per node and height. The first phase starts at the leader's proposal. A block is sealed by the "
        "first checkpoint at or above it, so the last phase grows with the checkpoint interval.",
    )


def _money(run: Run) -> Markup:
    if run.fullest is None:
        return Markup()
    try:
        lines = fund_lines(run.fullest.rows)
    except Exception as error:  # a damaged ledger still gets a report, which says so
        return heading("Money by fund") + paragraph(f"The receipts cannot be read: {error}")
    if not lines:
        return Markup()
    funds = [line for line in lines if line.account.startswith("fund/")]
    picture = Markup()
    if funds:
        picture = svg_figure(
            plots.money([(line.account.removeprefix("fund/"), line.expense_fen, line.closing_fen) for line in funds]),
            "Money paid out by and left in each fund",
            f"{ILLUSTRATIVE}. Added up from the receipts of every block; the check «money balances» compares the "
            "sums with the stored accounts.",
        )
    accounts = table(
        ("account", "at genesis", "came in", "went out", "at the end"),
        [_fund_row(line) for line in lines],
        (1, 2, 3, 4),
    )
    return joined(heading("Money by fund"), paragraph(f"{ILLUSTRATIVE}; yuan.", is_note=True), picture, accounts)


def _fund_row(line: FundLine) -> tuple[str, ...]:
    amounts = (line.opening_fen, line.income_fen, line.expense_fen, line.closing_fen)
    return (line.account, *(yuan(amount) for amount in amounts))


def _findings(run: Run) -> Markup:
    counts: dict[str, tuple[int, int]] = {}
    for record in run.records.of_kind("finding"):
        count, amount = counts.get(record["rule"], (0, 0))
        counts[record["rule"]] = (count + 1, amount + record["amount_fen"])
    if not counts:
        return Markup()
    rows = [(rule, f"{count:,}", yuan(amount)) for rule, (count, amount) in sorted(counts.items())]
    return heading("What the regulator found") + table(("rule", "findings", "amount (yuan)"), rows, (1, 2))


def _costs(run: Run, measures: Measures) -> Markup:
    per_transaction = [
        (figure.name.removeprefix("cpu_"), figure.value)
        for figure in measures.figures
        if figure.name.startswith("cpu_")
    ]
    if not per_transaction:
        return Markup()
    nodes = len(cpu_costs(run.trace))
    return heading("CPU by cost") + svg_figure(
        plots.costs(per_transaction),
        "CPU per transaction by cost",
        f"Summed over {nodes} node processes. «all» is everything that the processes used.",
    )


def _figures_table(measures: Measures) -> Markup:
    rows = [(f.name, number(f.value, f.unit), f.what) for f in measures.single]
    single = table(("figure", "value", "what"), rows, (1,))
    spreads = [
        (name, "without warm-up" if is_steady else what, *_marked(measures, name, values, is_steady=is_steady))
        for name, what, is_steady, values in measures.spreads()
    ]
    head = ("milliseconds", "what", *STATISTICS)
    note = f"The same as measures.csv; docs/measures.md tells how each is counted, and what warm-up is. {FEW_WORDS}."
    many = table(head, spreads, range(2, len(head)))
    return joined(heading("All figures"), paragraph(note, is_note=True), many, single)


def _marked(measures: Measures, name: str, values: Sequence[float], *, is_steady: bool) -> list[str]:
    count = measures.counts.get(f"{name}{STEADY}" if is_steady else name)
    return [number(value, "") + (MARK if is_few(f"{name}_{statistic}", count) else "")
            for statistic, value in zip(STATISTICS, values, strict=True)]  # fmt: skip


def _configuration(run: Run) -> Markup:
    scenario = run.scenario
    members = table(
        ("member", "role", "kind"), [(member.name, member.role, member.kind) for member in scenario.members]
    )
    text = msgspec.json.format(msgspec.json.encode(scenario), indent=2).decode()
    return joined(heading("Configuration"), members, render("scenario", text=text))


def _versions(run: Run) -> Markup:
    rows = [("consortium", __version__), ("python", sys.version.split()[0]), ("machine", platform.platform())]
    for library in LIBRARIES:
        try:
            rows.append((library, metadata.version(library)))
        except metadata.PackageNotFoundError:
            rows.append((library, "not installed"))
    rows.append(("chain", run.genesis.chain.hex()))
    return heading("Versions") + table(("what", "version"), rows)
