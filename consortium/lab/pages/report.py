"""report.html: one file that opens offline and tells a run to a person: verdict, figures, pictures, configuration."""

from __future__ import annotations

import base64
import platform
import sys
from collections.abc import Sequence
from html import escape
from importlib import metadata
from string import Template

import msgspec

from consortium import __version__
from consortium.behaviours.twin import SUFFIX
from consortium.lab.checks.claims import Verdict
from consortium.lab.checks.money import FundLine, fund_lines
from consortium.lab.figures import overview, plots, timeline
from consortium.lab.measures import series
from consortium.lab.measures.catalogue import STATISTICS
from consortium.lab.measures.measures import Measures, cpu_costs, number, phase_latencies
from consortium.lab.pages import answer
from consortium.runs.run import ILLUSTRATIVE, ILLUSTRATIVE_SENTENCE, Run
from consortium.runs.trace import Record

LIBRARIES = ("msgspec", "PyNaCl", "aiomqtt", "amqtt", "matplotlib")

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { --ink: #1b2733; --muted: #5b6875; --line: #d9dfe5; --good: #00704f; --bad: #b3400a; --soft: #f4f6f8; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff;
  font: 16px/1.55 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 28px; margin: 0 0 4px; }
h2 { font-size: 20px; margin: 40px 0 8px; padding-top: 14px; border-top: 1px solid var(--line); }
p { margin: 6px 0 12px; max-width: 76ch; }
.question { font-size: 18px; color: var(--muted); margin: 0 0 14px; }
.note { color: var(--muted); font-size: 14px; }
.badge { display: inline-block; font-size: 13px; border: 1px solid #b98a1d; color: #7a5a0c; background: #fdf6e3;
  border-radius: 4px; padding: 1px 9px; }
.verdict { font-weight: 600; font-size: 17px; padding: 10px 14px; border-radius: 6px; margin: 16px 0; }
.verdict.good { color: var(--good); background: #e5f4ee; }
.verdict.bad { color: var(--bad); background: #fcebe2; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(148px, 1fr)); gap: 10px; margin: 14px 0; }
.card { background: var(--soft); border-radius: 6px; padding: 10px 12px; }
.card b { display: block; font-size: 22px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.card span { color: var(--muted); font-size: 13.5px; }
table { border-collapse: collapse; width: 100%; font-size: 14.5px; margin: 8px 0 14px; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-weight: 600; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.good { color: var(--good); font-weight: 600; white-space: nowrap; }
td.bad { color: var(--bad); font-weight: 600; white-space: nowrap; }
td ul { margin: 2px 0; padding-left: 18px; color: var(--bad); }
figure { margin: 14px 0 22px; }
figure img { width: 100%; height: auto; display: block; }
figcaption { color: var(--muted); font-size: 14px; margin-top: 4px; max-width: 90ch; }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px; }
pre { background: var(--soft); padding: 12px; border-radius: 6px; overflow-x: auto; }
details > summary { cursor: pointer; color: var(--muted); }
@media print { details { display: none; } h2 { break-after: avoid; } figure { break-inside: avoid; } }
</style>
</head>
<body><main>
$body
</main></body>
</html>
""")


def build_report(run: Run, verdicts: Sequence[Verdict], measures: Measures) -> str:
    """The whole page. Needs no network, no script, no other file."""
    sections = [
        _heading(run, verdicts, measures),
        _answer(run),
        _checks(verdicts),
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
    title = escape(f"{run.scenario.name}: report of a run")
    return _PAGE.substitute(title=title, body="\n".join(section for section in sections if section))


def _figure(svg: str, alt: str, caption: str) -> str:
    data = base64.b64encode(svg.encode()).decode()
    return (
        f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{escape(alt, quote=True)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """`numbers`: indexes of the columns to align to the right. Cells are text, not HTML."""

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f'<{tag} class="n">{escape(cell)}</{tag}>' if index in numbers else f"<{tag}>{escape(cell)}</{tag}>"
            for index, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells('th', head)}</tr></thead><tbody>{body}</tbody></table>"


def yuan(amount_fen: int) -> str:
    """`-1,234.50` for −123450 fen."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100:,}.{abs(amount_fen) % 100:02d}"


def _heading(run: Run, verdicts: Sequence[Verdict], measures: Measures) -> str:
    scenario = run.scenario
    started = next(iter(run.records.of_kind("run")), {})
    place = {"simulator": "in the simulator (virtual time)", "local": "as local processes over MQTT"}.get(
        str(started.get("on", "")), str(started.get("on", ""))
    )
    failed = [verdict for verdict in verdicts if verdict.fails]
    asked = sum(verdict.is_asked for verdict in verdicts)
    left_out = sum(verdict.word == "not checked" for verdict in verdicts)
    if failed:
        names = ", ".join(verdict.name for verdict in failed)
        verdict_line = f'<div class="verdict bad">{len(failed)} of {asked} checks fail: {escape(names)}</div>'
    elif left_out:
        verdict_line = f'<div class="verdict bad">{left_out} of {asked} checks found nothing to check.</div>'
    else:
        verdict_line = f'<div class="verdict good">All {asked} checks hold.</div>'
    if run.is_partial:
        verdict_line += '<div class="verdict bad">The run was stopped before its end.</div>'
    wanted = (
        ("transactions", "transactions executed"),
        ("throughput", "mean throughput"),
        ("latency_p50", "median latency"),
        ("latency_p99", "latency, p99"),
        ("view_changes", "leader changes"),
        ("service_gap_max", "longest time without service"),
    )
    question, _, story = scenario.question.strip().partition("\n\n")
    units = {figure.name: figure.unit for figure in measures.figures}
    cards = "".join(
        f'<div class="card"><b>{escape(number(measures[name], units[name]))}</b><span>{label}</span></div>'
        for name, label in wanted
        if name in units
    )
    validators = sum(member.kind == "validator" for member in scenario.members)
    return (
        f"<h1>{escape(scenario.name)}</h1>"
        f'<p class="question">{escape(question)}</p><p>{escape(story)}</p>'
        f"<p>{len(scenario.members)} organisations, {validators} validators, "
        f"{escape(scenario.protocol)}, {escape(place)}, seed {scenario.seed}.{escape(_cpu_sentence(started))}</p>"
        f'<p class="note"><span class="badge">{ILLUSTRATIVE}</span> {ILLUSTRATIVE_SENTENCE}</p>'
        f'{verdict_line}<div class="cards">{cards}</div>'
    )


def _cpu_sentence(started: Record) -> str:
    """What CPU cost in a simulation; of a real run there is nothing to say. `started`: the trace's first record."""
    if started.get("on") != "simulator":
        return ""
    if not started.get("profile"):
        return " CPU was free: times are those of the network and the disk alone."
    broker = f", broker {started['profile_broker']}" if started.get("profile_broker") else ""
    return f" CPU and disk cost what profile {started['profile']} says ({started['cores']} cores{broker})."


def _answer(run: Run) -> str:
    """What the question asks for: figures before, during and after, words, and the picture that shows it."""
    trace = run.trace
    if not run.records.of_kind("executed"):
        return ""
    table = _table(answer.COLUMNS, [figures.row() for figures in answer.phase_figures(trace)], range(1, 8))
    rows = answer.each_done(trace)
    table += _table(answer.DONE_COLUMNS, rows, range(2, 6)) if rows else ""
    told = "".join(f"<li>{escape(sentence)}</li>" for sentence in answer.sentences(run))
    honest = [member.name for member in run.scenario.members if member.name not in run.traitors]
    order = [name for member in run.scenario.members for name in (member.name, member.name + SUFFIX)]
    width_us = series.bin_width_us(series.duration_us(trace))
    picture = _figure(
        overview.overview(trace, honest, order),
        "The run on one time axis: Committed transactions, waiting, nodes and leader, faults, rejected messages",
        f"Grey ground: something is done to the run. Transactions when the first node executed them, in bins of "
        f"{width_us / 1e6:g} s. Shaded: work waited, and for at least {series.GAP_MIN_US / 1e6:g} s nothing was "
        "executed anywhere. One dot a bundle: how long its submitter waited, by the time of its execution.",
    )
    return f"<h2>The answer</h2>{table}<ul>{told}</ul>{picture}"


def _checks(verdicts: Sequence[Verdict]) -> str:
    rows = []
    for verdict in verdicts:
        colour = {"holds": ' class="good"', "fails": ' class="bad"'}.get(verdict.word, "")
        mark = f"<td{colour}>{verdict.word}{f' ({verdict.failed})' if verdict.fails else ''}</td>"
        more = verdict.failed - len(verdict.failures)
        told = [*verdict.failures, *([f"and {more:,} more"] if more else [])]
        why = "".join(f"<li>{escape(failure)}</li>" for failure in told)
        why = f"<ul>{why}</ul>" if why else f" ({escape(verdict.unchecked)})" if verdict.unchecked else ""
        rows.append(f"<tr><td>{escape(verdict.name)}</td>{mark}<td>{escape(verdict.sentence)}{why}</td></tr>")
    head = "<tr><th>check</th><th>verdict</th><th>what it claims</th></tr>"
    return f"<h2>Checks</h2><table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _moments(run: Run) -> list[plots.Moment]:
    return [plots.Moment(record["t_us"], series.fault_words(record)) for record in run.records.of_kind("fault")]


def _service(run: Run) -> str:
    trace = run.trace
    end_us = series.duration_us(trace)
    width_us = series.bin_width_us(end_us)
    gaps, moments = series.service_gaps(trace), _moments(run)
    parts = []
    ordered = sorted(latency for _, latency in series.latencies(trace))
    if ordered:
        parts.append("<h2>Latency</h2>")
        p50, p99 = (series.latency_quantiles(trace, width_us, share) for share in (0.5, 0.99))
        parts.append(
            _figure(
                plots.latency(p50, p99, end_us, gaps, moments),
                "Latency over time",
                "From the submission of a bundle to its execution at the node that submitted it, by time of execution.",
            )
        )
        parts.append(
            _figure(
                plots.latency_distribution(ordered),
                "Distribution of latency",
                f"All {len(ordered):,} bundles of the run: how many of them were executed within a time.",
            )
        )
    return "".join(parts)


def _leader_changes(run: Run, measures: Measures) -> str:
    trace = run.trace
    order = [member.name for member in run.scenario.members]
    parts = []
    windows = timeline.leader_change_windows(trace)
    if windows:
        gap, recovery = measures["service_gap_total"], measures.get("recovery_max")
        sentence = f"Together {gap:.2f} s without service in this run."
        if recovery is not None:
            sentence += f" From what cost a leader its place to the first block under the next: {recovery:.2f} s."
        parts.append(f"<h2>The life of the leader change</h2><p>{sentence}</p>")
    for index, window in enumerate(windows[:4]):
        parts.append(
            _figure(
                timeline.timeline(trace, window, f"leader-change-{index}", order),
                "One leader change, close",
                f"From {window.start_us / 1e6:.2f} s to {window.end_us / 1e6:.2f} s: the leader falls silent, its "
                "peers ask for the next view, the new leader proves it, and blocks are executed again.",
            )
        )
        parts.append(_steps(timeline.steps_in(trace, window)))
    if len(windows) > 4:
        parts.append(f'<p class="note">{len(windows) - 4} further changes are not drawn.</p>')
    return "".join(parts)


def _steps(steps: Sequence[timeline.Step]) -> str:
    rows = []
    for before, step in zip([None, *steps], steps, strict=False):
        since = "" if before is None else f"+{(step.t_us - before.t_us) / 1e3:,.1f} ms"
        rows.append((f"{step.t_us / 1e6:.3f} s", since, step.words))
    return _table(("at", "after the step before", "what happened"), rows, (0, 1)) if rows else ""


def _phases(run: Run) -> str:
    latencies = phase_latencies(run.trace)
    if not any(latencies.values()):
        return ""
    return "<h2>Where a block's time goes</h2>" + _figure(
        plots.phases(latencies),
        "Latency per phase of consensus",
        "One value per node and height. The first phase starts at the leader's proposal. A block is sealed by the "
        "first checkpoint at or above it, so the last phase grows with the checkpoint interval.",
    )


def _money(run: Run) -> str:
    if run.fullest is None:
        return ""
    try:
        lines = fund_lines(run.fullest.rows)
    except Exception as error:  # a damaged ledger still gets a report, which says so
        return f"<h2>Money by fund</h2><p>The receipts cannot be read: {escape(str(error))}</p>"
    if not lines:
        return ""
    funds = [line for line in lines if line.account.startswith("fund/")]
    picture = ""
    if funds:
        picture = _figure(
            plots.money([(line.account.removeprefix("fund/"), line.expense_fen, line.closing_fen) for line in funds]),
            "Money paid out by and left in each fund",
            f"{ILLUSTRATIVE}. Added up from the receipts of every block; the check «money balances» compares the "
            "sums with the stored accounts.",
        )
    table = _table(
        ("account", "at genesis", "came in", "went out", "at the end"),
        [_fund_row(line) for line in lines],
        (1, 2, 3, 4),
    )
    return f'<h2>Money by fund</h2><p class="note">{ILLUSTRATIVE}; yuan.</p>{picture}{table}'


def _fund_row(line: FundLine) -> tuple[str, ...]:
    amounts = (line.opening_fen, line.income_fen, line.expense_fen, line.closing_fen)
    return (line.account, *(yuan(amount) for amount in amounts))


def _findings(run: Run) -> str:
    counts: dict[str, tuple[int, int]] = {}
    for record in run.records.of_kind("finding"):
        count, amount = counts.get(record["rule"], (0, 0))
        counts[record["rule"]] = (count + 1, amount + record["amount_fen"])
    if not counts:
        return ""
    rows = [(rule, f"{count:,}", yuan(amount)) for rule, (count, amount) in sorted(counts.items())]
    return "<h2>What the regulator found</h2>" + _table(("rule", "findings", "amount (yuan)"), rows, (1, 2))


def _costs(run: Run, measures: Measures) -> str:
    per_transaction = [
        (figure.name.removeprefix("cpu_"), figure.value)
        for figure in measures.figures
        if figure.name.startswith("cpu_")
    ]
    if not per_transaction:
        return ""
    nodes = len(cpu_costs(run.trace))
    return "<h2>CPU by cost</h2>" + _figure(
        plots.costs(per_transaction),
        "CPU per transaction by cost",
        f"Summed over {nodes} node processes. «all» is everything that the processes used.",
    )


def _figures_table(measures: Measures) -> str:
    rows = [(f.name, number(f.value, f.unit), f.what) for f in measures.single]
    table = _table(("figure", "value", "what"), rows, (1,))
    spreads = [
        (name, "without warm-up" if is_steady else what, *(number(value, "") for value in values))
        for name, what, is_steady, values in measures.spreads()
    ]
    head = ("milliseconds", "what", *STATISTICS)
    note = "The same as measures.csv; docs/measures.md tells how each is counted, and what warm-up is."
    return f'<h2>All figures</h2><p class="note">{note}</p>{_table(head, spreads, range(2, len(head)))}{table}'


def _configuration(run: Run) -> str:
    scenario = run.scenario
    members = _table(
        ("member", "role", "kind"), [(member.name, member.role, member.kind) for member in scenario.members]
    )
    text = msgspec.json.format(msgspec.json.encode(scenario), indent=2).decode()
    return (
        f"<h2>Configuration</h2>{members}"
        f"<details><summary>the whole scenario (scenario.json)</summary><pre>{escape(text)}</pre></details>"
    )


def _versions(run: Run) -> str:
    rows = [("consortium", __version__), ("python", sys.version.split()[0]), ("machine", platform.platform())]
    for library in LIBRARIES:
        try:
            rows.append((library, metadata.version(library)))
        except metadata.PackageNotFoundError:
            rows.append((library, "not installed"))
    rows.append(("chain", run.genesis.chain.hex()))
    return "<h2>Versions</h2>" + _table(("what", "version"), rows)
