"""One twin case, run and judged: the honest members agree, vote by the rules, and go on once the network is whole."""

from __future__ import annotations

import traceback
from typing import NamedTuple

from consortium.core.membership import Epochs
from consortium.exploration.coverage import Counts, count_run
from consortium.exploration.judge import Failure, blamed, judge_said
from consortium.exploration.twins import LIMIT_US, TwinCase, TwinRun, twin_scenario
from consortium.lab.checks.claims import Kind, claims, judge
from consortium.lab.checks.evidence import Evidence, find_evidence
from consortium.lab.checks.statements import Said, Watcher
from consortium.runs.run import Run, head_height
from consortium.runs.trace import Record
from consortium.scenario.assemble import Shared


class TwinExamined(NamedTuple):
    case: TwinCase
    failures: tuple[Failure, ...]
    counts: Counts
    trace: list[Record]
    evidence: tuple[Evidence, ...]
    batches: int
    virtual_us: int


def examine_twins(case: TwinCase) -> TwinExamined:
    """Run and judge. `evidence` is what all statements that left a host prove, whoever said them."""
    watcher = Watcher()
    run = TwinRun(case, watcher.hear)
    try:
        outcome = run.run()
    except Exception as error:  # a node raised: that is what we look for
        place = traceback.extract_tb(error.__traceback__)[-1]
        sentence = f"{type(error).__name__}: {error} ({place.filename.rpartition('/')[2]}:{place.lineno})"
        failure = Failure("nothing raises", Kind.SAFETY, sentence)
        return TwinExamined(case, (failure,), {}, run.trace, (), 0, 0)
    scenario = twin_scenario(case)
    trace = [record for record in outcome.trace if record["node"] in case.honest or not record["node"]]
    ledgers = {name: rows for name, rows in outcome.ledgers.items() if name in case.honest}
    verifier = Shared.of(outcome.genesis).verifier
    epochs = Epochs((outcome.genesis.first_epoch,))  # the very one that knows the leaders of the rounds
    statements = watcher.statements(verifier, epochs)
    safety = [claim for claim in claims() if claim.kind is Kind.SAFETY]
    verdicts = judge(Run(scenario, outcome.genesis, trace, ledgers), safety)
    failures = [Failure(each.name, each.kind, each.failures[0]) for each in verdicts if each.fails]
    wrong = blamed(trace, case.honest)
    failures += judge_said(Said(statements, frozenset(case.honest), verifier.codec, epochs))
    failures += [Failure("nobody honest is blamed", Kind.SAFETY, wrong[0])] if wrong else []
    if not outcome.is_done:
        failures.append(Failure("progress", Kind.LIVENESS, f"not done after {LIMIT_US / 1e6:.0f} s"))
    counts = count_run(scenario, outcome.trace, statements)
    counts["members"].clear()
    counts["members"][f"{len(case.members)} validators, {len(case.twinned)} of them twice"] += 1
    batches = max(head_height(rows) for rows in ledgers.values())
    evidence = tuple(find_evidence(statements, verifier.codec))
    return TwinExamined(case, tuple(failures), counts, outcome.trace, evidence, batches, outcome.ended_us)
