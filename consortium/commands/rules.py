"""`consortium rules`: the rules of oversight over the accepted claims of a ledger, and how good they are."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from consortium.commands.at_work import at_work
from consortium.commands.command import EXIT_UNSAFE, LOOK, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.past import opened
from consortium.commands.rules_report import write_report
from consortium.commands.tables import Column, show_table
from consortium.contracts.access import SUPERVISORS
from consortium.contracts.checks import FOREVER, check_day
from consortium.core.contract import Reader, Refused
from consortium.core.errors import UserError
from consortium.roles.dossier import DossierTasks
from consortium.rules import load_rules
from consortium.rules.facts import Facts
from consortium.rules.gather import gather
from consortium.rules.judge import PRECISION_BAR_BP, RECALL_BAR_BP, Label, Score, judge
from consortium.rules.periodic import Period, periodic_tables
from consortium.rules.rule import DIAGNOSES, LINES, LINKS, Finding, Rule, run_rule, with_parameters
from nodes.own_work import read_own_lines, read_own_work
from nodes.past import Past, reader_of

SHOWN = 5  # findings of a rule, in the table of all


Run = Annotated[Path | None, typer.Argument(help="The folder of a run; without it, the rules.", metavar="RUN")]
Member = Annotated[str, typer.Option(metavar="MEMBER", help="A bureau or a regulator. Default: the first regulator.")]
Only = Annotated[list[str] | None, typer.Option("--rule", metavar="NAME", help="Only this rule, and all it finds.")]
Values = Annotated[
    list[str] | None, typer.Option("--set", metavar="RULE.PARAMETER=JSON", help="Change a parameter of a rule.")
]
Labels = Annotated[
    Path | None, typer.Option(metavar="FILE", help="What is true: CSV with the columns rule and records.")
]
Labelled = Annotated[bool, typer.Option("--labelled", help="Ask the generator of the run's workload what is true.")]

Report = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write a report too: a page, and tables as CSV.")]
First = Annotated[int, typer.Option("--from", metavar="YYYYMMDD", help="The first day that the report is of.")]
Last = Annotated[int, typer.Option("--to", metavar="YYYYMMDD", help="The last day that the report is of.")]


def rules(
    run: Run = None,
    member: Member = "",
    rule: Only = None,
    sets: Values = None,
    labels: Labels = None,
    labelled: Labelled = False,
    report: Report = None,
    first: First = 0,
    last: Last = FOREVER,
    json: Json = False,
) -> None:
    chosen = _chosen(rule)
    parameters = _parameters(chosen, sets or ())
    if run is None:
        _show_rules(chosen, parameters, json)
        return
    truth, period = _labels(run, labels, labelled), _period(first, last)
    with opened(run, member) as past:
        reader = reader_of(past.ledger, member or _first_supervisor(past))
        if reader.role not in SUPERVISORS:
            why = f"a {reader.role} runs no rules: bureau and regulator do"
            typer.echo(spoken()("refused: {code}: {why}", code="not-permitted", why=why))
            raise typer.Exit(EXIT_UNSAFE)
        with at_work(spoken()("running the rules")):
            facts = facts_of(run, past, reader)
            found = {
                name: run_rule(each, facts, parameters[name])
                for name, each in chosen.items()
                if may_run(each, reader.role, facts)
            }
        if report is not None:
            _report(report, past, reader, facts, found, period)
    scores = None if truth is None else {name: judge(name, each, truth) for name, each in found.items()}
    if json:
        _print(run, reader, chosen, facts, found, scores)
    else:
        _show(chosen, facts, reader, found, scores, is_whole=bool(rule))
    if scores is not None and not all(score.passes for score in scores.values()):
        raise typer.Exit(EXIT_UNSAFE)


def facts_of(run: Path, past: Past, reader: Reader) -> Facts:
    """What this member knows: the ledger, what its own input holds beyond, and the lines that it was given."""
    dossier = read_own_work(run, reader.member).of(DossierTasks)
    lines = {**read_own_lines(run, reader.member, past.ledger.genesis), **dossier.lines}
    return gather(past.ledger.reader, lines, dossier.insured, dossier.diagnoses)


def may_run(rule: Rule, role: str, facts: Facts) -> bool:
    """Whether a member of this role may run it, and knows what it needs."""
    known = {LINES: facts.lines, LINKS: facts.insured, DIAGNOSES: facts.diagnoses}
    return role in rule.roles and all(known[need] for need in rule.needs)


def _period(first: int, last: int) -> Period:
    for option, day in (("--from", first), ("--to", last)):
        if day not in (0, FOREVER):
            try:
                check_day(day, option)
            except Refused as refused:
                raise UserError(refused.sentence) from None
    if first > last:
        raise UserError(f"--from {first} is after --to {last}")
    return Period(first, last)


def _report(
    folder: Path, past: Past, reader: Reader, facts: Facts, found: Mapping[str, Sequence[Finding]], period: Period
) -> None:
    ledger = past.ledger
    title = spoken()(
        "Oversight of {chain}, by {member}, as of block {height}",
        chain=ledger.genesis.name,
        member=reader.member,
        height=ledger.head_height,
    )
    write_report(folder, title, period, periodic_tables(ledger.reader, facts, found, period))
    typer.echo(spoken()("written: {path}", path=folder), err=True)


def _chosen(names: Sequence[str] | None) -> dict[str, Rule]:
    known = load_rules()
    for name in names or ():
        if name not in known:
            raise UserError(f"there is no rule {name!r}; there are {', '.join(known)}")
    return {name: each for name, each in known.items() if not names or name in names}


def _parameters(chosen: Mapping[str, Rule], sets: Sequence[str]) -> dict[str, msgspec.Struct]:
    values: dict[str, dict[str, Any]] = {}
    for text in sets:
        path, is_given, value = text.partition("=")
        name, _, parameter = path.partition(".")
        if not is_given or not parameter or name not in chosen:
            raise UserError(f"--set {text}: expected RULE.PARAMETER=JSON, as readmission.to_days=10")
        try:
            values.setdefault(name, {})[parameter] = msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise UserError(f"--set {text}: the value is no JSON: {error}") from None
    return {name: with_parameters(each, values.get(name, {})) for name, each in chosen.items()}


def _labels(run: Path, file: Path | None, labelled: bool) -> tuple[Label, ...] | None:
    """Raises UserError where the run's workload has none, or the file cannot be read."""
    if labelled:
        from consortium.scenario.load import load_scenario
        from consortium.scenario.workloads import labelled_claims

        scenario = load_scenario(run / "scenario.json")
        if scenario.workload.source != labelled_claims.NAME:
            raise UserError(f"--labelled: {run} is no run of the workload {labelled_claims.NAME}; give --labels FILE")
        return labelled_claims.labels_of(scenario)
    if file is None:
        return None
    try:
        with file.open(newline="", encoding="utf-8") as text:
            return tuple(Label(row["rule"], tuple(row["records"].split())) for row in csv.DictReader(text))
    except (OSError, KeyError, AttributeError, UnicodeError, csv.Error) as error:
        raise UserError(
            f"--labels {file}: expected CSV with the columns rule and records (apart by spaces): {error}"
        ) from None


def _first_supervisor(past: Past) -> str:
    """The first regulator by name, else the first bureau. Raises UserError."""
    members = past.ledger.epochs.at(past.ledger.head_height + 1).members
    able = sorted((one.role != "regulator", one.name) for one in members if one.role in SUPERVISORS)
    if not able:
        raise UserError("nobody here may run rules: there is neither a regulator nor a bureau")
    return able[0][1]


# --- what is shown --------------------------------------------------------------------------------------------------


def _show_rules(chosen: Mapping[str, Rule], parameters: Mapping[str, msgspec.Struct], json: bool) -> None:
    if json:
        told = [
            {
                "rule": each.name,
                "roles": sorted(each.roles),
                "needs": sorted(each.needs),
                "sentence": each.sentence,
                "parameters": msgspec.to_builtins(parameters[name]),
            }
            for name, each in chosen.items()
        ]
        print_json({"format": 1, "rules": told})
        return
    words = spoken()
    columns = (Column(words("rule")), Column(words("who may run it")), Column(words("what it finds")))
    rows = [(each.name, ", ".join(sorted(each.roles)), words(each.sentence)) for each in chosen.values()]
    console = make_console()
    show_table(console, columns, rows)
    if len(chosen) == 1:
        for name, value in msgspec.to_builtins(next(iter(parameters.values()))).items():
            console.print(f"{name} = {msgspec.json.encode(value).decode()}", markup=False)


def _show(
    chosen: Mapping[str, Rule],
    facts: Facts,
    reader: Reader,
    found: Mapping[str, Sequence[Finding]],
    scores: Mapping[str, Score] | None,
    *,
    is_whole: bool,
) -> None:
    words, console = spoken(), make_console()
    claims = words("{count} accepted claims, as {member} knows them", count=len(facts.claims), member=reader.member)
    console.print(claims, style="bold")
    titles = [Column(words("rule")), Column(words("findings"), True), Column(words("amount (yuan)"), True)]
    if scores is not None:
        titles += [Column(words("cases"), True), Column(words("recall"), True), Column(words("precision"), True)]
        titles.append(Column(words("bar")))
    rows = [_row(name, each, scores) for name, each in found.items()]
    show_table(console, titles, rows)
    skipped = [name for name in chosen if name not in found]
    if skipped:
        why = words(
            "not run, for {member} may not or lacks what they need: {rules}",
            member=reader.member,
            rules=", ".join(skipped),
        )
        console.print(why)
    for name, findings in found.items() if is_whole or scores is None else ():
        for finding in findings if is_whole else findings[:SHOWN]:
            console.print(
                f"{name}  {_yuan(finding.amount_fen)}  {finding.why}: {' '.join(finding.records)}", markup=False
            )
        if not is_whole and len(findings) > SHOWN:
            console.print(words("{rule}: and {count} more (--rule {rule})", rule=name, count=len(findings) - SHOWN))


def _row(name: str, findings: Sequence[Finding], scores: Mapping[str, Score] | None) -> list[str]:
    row = [name, str(len(findings)), _yuan(sum(each.amount_fen for each in findings))]
    if scores is None:
        return row
    score = scores[name]
    verdict = spoken()("reached") if score.passes else spoken()("BELOW")
    return [*row, str(score.labels), _share(score.recall_bp), _share(score.precision_bp), verdict]


def _share(bp: int) -> str:
    return f"{bp // 100}.{bp % 100:02d} %"


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


def _print(
    run: Path,
    reader: Reader,
    chosen: Mapping[str, Rule],
    facts: Facts,
    found: Mapping[str, Sequence[Finding]],
    scores: Mapping[str, Score] | None,
) -> None:
    told: dict[str, Any] = {"format": 1, "run": str(run), "member": reader.member, "role": reader.role}
    told |= {"claims": len(facts.claims), "not_run": [name for name in chosen if name not in found]}
    told["findings"] = [each._asdict() for findings in found.values() for each in findings]
    if scores is not None:
        bar = {"recall_bp": RECALL_BAR_BP, "precision_bp": PRECISION_BAR_BP}
        told["bar"] = bar
        told["scores"] = [
            {
                **score._asdict(),
                "recall_bp": score.recall_bp,
                "precision_bp": score.precision_bp,
                "passes": score.passes,
            }
            for score in scores.values()
        ]
    print_json(told)


COMMAND = Command(
    "rules",
    "Run the rules of oversight over the accepted claims of a run: what looks wrong, by which records, of how much.\n\n"
    "Without RUN it lists them; with one --rule, its parameters, too. The regulator runs what ledger and lines show; "
    "what needs links between pseudonyms or diagnoses, the bureau alone. With labels it tells recall and precision of "
    "each rule; the bar is a recall of 95 % at a precision of 90 %.\n\n"
    "\b\nExamples:\n  consortium rules\n  consortium rules --rule readmission\n"
    "  consortium run scenarios/studies/labelled_claims.py --on simulator --out runs/labelled\n"
    "  consortium rules runs/labelled --member bureau --labelled\n"
    "  consortium rules runs/labelled --rule overlapping_stays --set overlapping_stays.nights=2\n"
    "  consortium rules runs/labelled --labels truth.csv --json\n"
    "  consortium rules runs/RUN --report quarter --from 20260101 --to 20260331\n\n"
    "Exit status: 0 run, 1 refused or below the bar, 2 wrong usage or input.",
    rules,
    LOOK,
)
