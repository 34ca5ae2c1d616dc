"""What there was nothing to check of is not told as holding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from consortium.core.codec import encode
from consortium.core.contract import Receipt
from consortium.lab.checks.claims import Kind, claims, exit_status, judge, was_checked
from consortium.lab.pages.results import outcome_sentence, outcome_word
from consortium.ledger.rows import END, DictRows
from consortium.runs.folder import RunFolderError, own_folder
from consortium.runs.run import Run
from consortium.vault.boxes import DictBoxes
from tests.unit.lab import controls
from tests.unit.lab.controls import control_everything_executed, control_no_suspicion, control_progress
from tests.unit.lab.made_up_run import made_up_run

NOT_ASKED = {
    "every claim answered",
    "every validator votes",
    "findings bind",
    "opened by leave alone",
    "quiet when idle",
    "trials are in order",
}  # of a run without idle time, counts, findings, leaves or trials
NOT_ERASED = ("what was erased is gone", "erasures are confirmed")  # of a run in which nothing was


@pytest.fixture(scope="module")
def honest() -> Run:
    return made_up_run()


def words(run: Run) -> dict[str, str]:
    return {verdict.name: verdict.word for verdict in judge(run)}


def test_a_workload_that_asks_for_no_answers_is_not_asked(honest: Run) -> None:
    found = words(honest)
    assert {name for name, word in found.items() if word == "not asked"} == NOT_ASKED
    assert {word for name, word in found.items() if name not in NOT_ASKED} == {"holds"}
    assert outcome_sentence(honest, judge(honest)) == "All checks hold."


def test_the_runs_end_says_what_kind_of_thing_a_failed_check_found(honest: Run) -> None:
    """Regression: `something due was never done (no suspicion)`, where something was done that nothing called for."""
    told = {}
    for claim in (claim for claim in claims() if claim.kind is Kind.LIVENESS):
        failed = [verdict._replace(failed=int(verdict.name == claim.name)) for verdict in judge(honest)]
        told[claim.name] = outcome_sentence(honest, failed)
        assert told[claim.name].count(":") == 1 and told[claim.name].endswith(f" ({claim.name}).")
    assert told["no suspicion"] == "WITHOUT NEED: something was done that nothing called for (no suspicion)."
    assert told["quiet when idle"].startswith("WITHOUT NEED") and told["recovered in time"].startswith("TOO LATE")
    both = judge(control_no_suspicion(control_progress(control_everything_executed(honest))))
    assert outcome_sentence(honest, both) == (
        "NO PROGRESS: something due was never done (progress, everything executed). "
        "WITHOUT NEED: something was done that nothing called for (no suspicion)."
    )


def test_a_run_that_executed_nothing_holds_nothing_but_its_own_end(honest: Run) -> None:
    trace = [record for record in honest.trace if record["kind"] in ("run", "booted", "ended")]
    idle = replace(honest, trace=trace, ledgers={name: DictRows() for name in honest.ledgers})
    found = words(idle)
    assert found.pop("progress") == "holds"
    assert {found.pop(name) for name in (*NOT_ASKED, *NOT_ERASED)} == {"not asked"}
    assert set(found.values()) == {"not checked"}
    assert not was_checked(judge(idle)) and exit_status(judge(idle)) == 3
    assert outcome_word(idle, judge(idle)) == "not-checked"


def without_notices(run: Run) -> Run:
    """The same run, in which nothing became due."""
    held = run.ledgers["depot"]
    receipts = [(key, msgspec.msgpack.decode(raw, type=Receipt)) for key, raw in held.range("receipt", b"", END)]
    rows = [
        (
            "receipt",
            key,
            encode(msgspec.structs.replace(one, events=tuple(e for e in one.events if e.kind != "notice"))),
        )
        for key, one in receipts
        if any(event.kind == "notice" for event in one.events)
    ]
    assert len(rows) == 1
    return controls.with_rows(run, list(rows))


def test_a_run_in_which_nothing_became_due_is_not_asked_whether_it_was_told(honest: Run) -> None:
    assert words(honest)["due told"] == "holds"
    quiet = without_notices(honest)
    assert words(quiet)["due told"] == "not asked"
    assert words(without_notices(controls.control_due_told(honest)))["due told"] == "fails"


def test_what_stood_untold_is_not_checked_where_nobody_was_there_to_tell(honest: Run) -> None:
    """Bureau and regulator are dead at the end; a notice that was told twice is wrong all the same."""
    deaths = [
        {"t_us": 30_300_000, "node": "", "kind": "fault", "act": "kill", "target": name}
        for name in ("bureau", "regulator")
    ]

    def deserted(run: Run) -> Run:
        return controls.with_trace(run, lambda trace: trace.extend(deaths))

    untold = controls.control_due_told(honest)
    assert words(deserted(untold))["due told"] == words(deserted(without_notices(untold)))["due told"] == "not checked"
    assert words(deserted(honest))["due told"] == "holds"
    assert words(deserted(controls.control_due_told__twice(honest)))["due told"] == "fails"


def test_stores_that_are_all_empty_do_not_keep_what_was_kept(honest: Run) -> None:
    empty = replace(honest, vaults={name: DictBoxes() for name in honest.vaults})
    assert words(empty)["commitments are kept"] == "not asked", "a load commits to what nobody keeps"
    given = {"t_us": 9_000_000, "node": "depot", "kind": "record_given", "to": "bureau", "handle": "record/r-1"}
    was_kept = controls.with_trace(empty, lambda trace: trace.append(given))
    assert words(was_kept)["commitments are kept"] == "fails"
    assert words(replace(was_kept, vaults={}))["commitments are kept"] == "not asked", "no store is at hand"
    nothing = replace(was_kept, ledgers={name: DictRows() for name in honest.ledgers})
    assert words(nothing)["commitments are kept"] == "not checked"


def test_what_is_due_at_the_end_is_not_checked_of_a_run_that_was_stopped(honest: Run) -> None:
    trace = [record for record in honest.trace if record["t_us"] < 9_000_000]
    found = words(replace(honest, trace=trace, is_partial=True))
    assert (found["everything executed"], found["equal heads"]) == ("not checked", "not checked")
    assert (found["agreement"], found["progress"]) == ("holds", "fails")


def test_an_empty_ledger_excuses_no_fault_that_the_trace_shows(honest: Run) -> None:
    trace = [dict(record) for record in honest.trace]
    next(r for r in trace if r["kind"] == "committed" and r["node"] == "depot").update(digest="f" * 16)
    found = words(replace(honest, trace=trace, ledgers={}))
    assert (found["agreement"], found["validity"], found["money balances"]) == ("fails", "not checked", "not checked")


def test_a_folder_is_taken_once(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "x"
    with own_folder([out], "mine"), pytest.raises(RunFolderError, match="not empty"), own_folder([out], "other"):
        pass
    assert "mine" in (out / "README.md").read_text()
    with own_folder([out, tmp_path / "y"], "other") as folder:
        assert folder == tmp_path / "y"


def test_a_folder_that_two_take_at_once_belongs_to_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consortium.runs.folder.claim_folder", lambda _: None)  # both looked before either wrote
    with own_folder([tmp_path], "first"):
        with pytest.raises(RunFolderError, match="another run"), own_folder([tmp_path], "second"):
            pass
        assert "first" in (tmp_path / "README.md").read_text()


def test_an_empty_folder_that_was_there_stays_after_an_error(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for out in (tmp_path / "mine", tmp_path / "new" / "deep"):
        with pytest.raises(ValueError), own_folder([out], "x"):
            raise ValueError
    assert [path.name for path in tmp_path.iterdir()] == ["mine"] and not any((tmp_path / "mine").iterdir())
