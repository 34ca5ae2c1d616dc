"""What a run's folder says of its outcome: verdict, measures, report, and the README that explains every file."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from consortium import __version__
from consortium.core.words import ENGLISH, Words
from consortium.lab.checks.claims import Kind, Verdict, exit_status, was_checked
from consortium.lab.measures.load import fell_short
from consortium.lab.measures.measures import Measures
from consortium.plugins.record import RECORD
from consortium.runs.folder import FORMAT, README, place_of, place_phrase, write_whole
from consortium.runs.run import ILLUSTRATIVE_SENTENCE, Run
from consortium.runs.trace import fingerprint
from consortium.stories.plain import moment

_README = """# {name}: a run of a scenario

{question}

It ran {place} with seed {seed}, and ended so: **{outcome}**
{load}{illustrative}

| file | what it holds |
| --- | --- |
| `report.html` | the run for a person: verdict, pictures, figures, configuration; one file, opens offline |
| `verdict.json` | each check with its verdict and what it found wrong; the exit status of the command |
| `measures.csv` | all figures: `name,value,unit,what` (`what` says how it was counted) |
| `format.json` | the format of this folder, and the version of the program that wrote it |
| `scenario.json` | the scenario as it ran; `consortium run {folder}{flag}` repeats it |
| `genesis.json` | everything that fixes the chain before its first height; its hash is the chain id |
| `trace.jsonl` | what happened: one JSON object a line, in order of time, `t_us` microseconds since the start |
| `nodes/NAME/ledger.sqlite` | the ledger of one node, as `sqlite3` opens it (views `blocks`, `state_rows`) |
| `nodes/NAME/private.sqlite` | its private records in sealed boxes, and the audit of their reads (mode 0600) |
| `nodes/NAME/views.sqlite` | what `consortium view` made of that ledger, once somebody looked; it can be removed |
{local}
Look closer:

    consortium check {folder}            # judge the run again
    consortium report {folder}           # write report.html again
    consortium verify {folder}/nodes/NAME   # check one node's ledger from the genesis file alone
    consortium view {folder}             # statements, payables, stock: what there is to see
    consortium ask {folder} MEMBER       # what a member may ask of the contracts
    consortium prove {folder} claim PERSON/YEAR/SEQUENCE   # a proof to carry away; the view `statement` lists claims
"""

_PLUGIN_FILES = """| `plugins.json` | the user's own files that the run loaded, each with its SHA-256 |
| `plugins/` | a copy of them; the commands below ask for `--plugins` with this folder or with the original |
"""
_LOCAL_FILES = """| `nodes/NAME/log.txt` | what the process of that node said: starts, reconnections, errors |
| `nodes/NAME/trace.jsonl` | that node's own part of the trace |
| `nodes/NAME/votes.log` | its durable votes, so that it never votes twice after a crash |
| `nodes/NAME/*.damaged-TIME.*` | files that were found damaged and set aside; its log says why |
| `nodes/NAME/copy/` | its files as they were when a fault of the scenario copied its disk |
| `nodes/NAME/recording/` | with `--record`: all that its host was given (mode 0600); `consortium replay` reads it |
| `nodes/NAME/members.proof` | of a member that joined: today's members, proven by another node when it started |
| `nodes/NAME/settings.json` | where it found the bus, and when the run began (holds a password: mode 0600) |
| `nodes/NAME/input/` | its own work, nobody else's (mode 0600); of the bureau also the key of pseudonyms |
| `nodes/NAME/lock` | held while that process runs, so that no second one starts on the same files |
| `broker/` | settings, rules, passwords (mode 0600) and log of a broker that the run started for itself |
| `nodes/NAME/keys/` | its secret keys by purpose (mode 0600); do not publish them |
"""


def write_results(out: Path, run: Run, verdicts: Sequence[Verdict], measures: Measures) -> None:
    """measures.csv, report.html, verdict.json and the README, over whatever was there of them."""
    from consortium.lab.pages.report import build_report  # here, for drawing takes 0.4 s to import

    place = place_of(run)
    content = verdict_content(run, verdicts, place)
    short = fell_short(measures)
    if short:
        content["load"] = short
    write_whole(out / "verdict.json", msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
    if not run.is_standing:  # whose README is that of what stands there
        write_whole(out / README, _readme(out, run, verdicts, place, short).encode())
    write_whole(out / "measures.csv", measures.csv().encode())
    write_whole(out / "report.html", build_report(run, verdicts, measures).encode())


def outcome_word(run: Run, verdicts: Sequence[Verdict]) -> str:
    """One word for verdict.json: holds, safety-failed, no-progress, not-checked, stopped."""
    if run.is_partial:
        return "stopped"
    if not was_checked(verdicts) and not any(verdict.fails for verdict in verdicts):
        return "not-checked"
    return {0: "holds", 1: "safety-failed", 3: "no-progress"}[exit_status(verdicts)]


def outcome_sentence(run: Run, verdicts: Sequence[Verdict], words: Words = ENGLISH) -> str:
    """The run's end for a person, with what could not be checked."""
    word = outcome_word(run, verdicts)
    failed = ", ".join(words(verdict.name) for verdict in verdicts if verdict.fails)
    left_out = ", ".join(words(verdict.name) for verdict in verdicts if verdict.word == "not checked")
    if run.is_partial and Kind.SAFETY in {verdict.kind for verdict in verdicts if verdict.fails}:
        return words("A SAFETY CHECK FAILED ({checks}), and the run was stopped before its end.", checks=failed)
    sentence = {
        "holds": words("All that could be checked holds.") if left_out or run.let_go else words("All checks hold."),
        "safety-failed": words("A SAFETY CHECK FAILED ({checks}).", checks=failed),
        "no-progress": " ".join(_failing(verdicts, words)),
        "not-checked": words("NOTHING WAS CHECKED: the run executed nothing."),
        "stopped": words("Stopped before its end."),
    }[word]
    told = [sentence, words("Not checked: {checks}.", checks=left_out) if left_out else "", let_go_sentence(run, words)]
    return " ".join(filter(None, told))


def let_go_sentence(run: Run, words: Words = ENGLISH) -> str:
    """From when on a consortium that stands was judged by its traces; empty where nothing is missing."""
    if run.let_go is None:
        return ""
    return words(
        "Of what came before {time} the ledgers alone were judged: of the traces these parts were let go: {parts}.",
        time=moment(run.genesis.time_us + run.let_go.until_us, run.genesis.parameters.utc_offset_minutes),
        parts=", ".join(f"{name} {count}" for name, count in sorted(run.let_go.parts.items())),
    )


def _failing(verdicts: Sequence[Verdict], words: Words) -> Iterator[str]:
    """Each sentence that a failed check has for it, once, with the names of all that share it."""
    failed = [verdict for verdict in verdicts if verdict.fails]
    for told in dict.fromkeys(verdict.failing for verdict in failed):
        yield words(told, checks=", ".join(words(verdict.name) for verdict in failed if verdict.failing == told))


def verdict_content(run: Run, verdicts: Sequence[Verdict], place: str) -> dict[str, Any]:
    """What verdict.json holds; its fields are told in docs/commands.md."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "scenario": run.scenario.name,
        "seed": run.scenario.seed,
        "on": place,
        "version": __version__,
        "chain": run.genesis.chain.hex(),
        "outcome": outcome_word(run, verdicts),
        "exit_status": 130 if run.is_partial else exit_status(verdicts),
        "checks": [
            {
                "name": verdict.name,
                "kind": verdict.kind.value,
                "claim": verdict.sentence,
                "verdict": verdict.word,
                "why_not_checked": verdict.unchecked,
                "holds": verdict.holds,
                "failed": verdict.failed,
                "failures": list(verdict.failures),
            }
            for verdict in verdicts
        ],
    }
    if run.let_go is not None:
        content["let_go"] = {"until_us": run.let_go.until_us, "parts": dict(run.let_go.parts)}
    if place == "simulator":
        content["fingerprint"] = fingerprint(run.trace)
    return content


def _readme(out: Path, run: Run, verdicts: Sequence[Verdict], place: str, short: str) -> str:
    return _README.format(
        name=run.scenario.name,
        question=run.scenario.question.strip() or "(The scenario asks no question.)",
        place=place_phrase(place) or "somewhere",
        seed=run.scenario.seed,
        outcome=outcome_sentence(run, verdicts),
        load=f"\n{short}\n" if short else "",
        illustrative=ILLUSTRATIVE_SENTENCE,
        local=(_PLUGIN_FILES if (out / RECORD).is_file() else "") + (_LOCAL_FILES if place != "simulator" else ""),
        folder=shlex.quote(str(out)),
        flag=" --on simulator" if place == "simulator" else "",
    )
