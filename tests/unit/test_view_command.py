"""`consortium view`: read models over a finished run, for those who may look."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import consortium
from consortium.commands import app as cli
from consortium.commands import past
from consortium.commands import view as viewing
from consortium.ledger.chain import Ledger
from consortium.plugins.load import Loaded
from consortium.plugins.source import Source
from consortium.views import load_views
from consortium.views.view import Book, Told, View
from nodes.process import view_file
from nodes.process.view_file import VIEWS_FILE, ViewFile
from tests.finished_run import INSTITUTIONS, finished_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("viewed") / "run")


@pytest.fixture
def say(run: Path, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def saying(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["view", str(run), *words])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return saying


def document(say: Any, *words: str) -> dict[str, Any]:
    status, out, error = say(*words, "--json")
    assert (status, error) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


def test_what_a_year_cost_adds_up_to_what_the_institutions_are_owed(say: Any) -> None:
    statement = document(say, "statement")["tables"]
    assert sum(row["settled"] for row in statement["year"]) == len(statement["entry"]) == 8
    paid = {row["fixmedins_code"]: 0 for row in statement["entry"]}
    for row in statement["entry"]:
        paid[row["fixmedins_code"]] += row["fund_pay_sumamt"] + row["acct_pay"]
    owed = {row["fixmedins_code"]: row["earned_fen"] for row in document(say, "payables")["tables"]["institution"]}
    assert owed == paid and set(owed) == set(INSTITUTIONS.values())


def test_only_rows_with_a_value_are_shown(say: Any) -> None:
    code = INSTITUTIONS["hospital-1"]
    rows = document(say, "statement", "--where", f"fixmedins_code={code}")["tables"]["entry"]
    assert len(rows) == 4 and {row["fixmedins_code"] for row in rows} == {code}


def test_every_view_is_the_same_after_it_was_thrown_away(say: Any, run: Path) -> None:
    for name in load_views():
        before = document(say, name, "--member", "bureau")
        assert document(say, name, "--member", "bureau", "--rebuild") == before
    (run / "nodes" / "bureau" / "views.sqlite").unlink()
    assert document(say, name, "--member", "bureau") == before


def test_two_that_look_at_once_feed_a_view_one_after_the_other(run: Path, tmp_path: Path) -> None:
    """Regression: each fed all blocks over the rows of the other, and what a year cost came out twice."""
    view = load_views()["payables"]
    path = tmp_path / VIEWS_FILE
    with past.opened(run, "bureau") as one, ThreadPoolExecutor(1) as pool:
        first = ViewFile(path, view, one.ledger.chain)
        second = pool.submit(feed_again, run, path, view)
        time.sleep(0.1)
        viewing.bring_up(first, one)
        expected, head = list(first.all_rows()), first.head
        first.close()
        assert second.result() == (head, expected)


def feed_again(run: Path, path: Path, view: View) -> tuple[tuple[int, bytes], list[Any]]:
    """Where a second one begins, and what it then shows."""
    with past.opened(run, "bureau") as two:
        file = ViewFile(path, view, two.ledger.chain)
        head = file.head
        viewing.bring_up(file, two)
        rows = list(file.all_rows())
        file.close()
        return head, rows


def test_a_second_look_feeds_nothing_again(say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = document(say, "payables")

    def feeding(view: View, *words: Any) -> None:
        raise AssertionError(f"{view.name} is fed again")

    monkeypatch.setattr(view_file, "feed_block", feeding)
    assert document(say, "payables") == before


def test_what_other_rules_fed_is_made_anew_by_itself(say: Any, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: what an older program had fed wrongly stayed wrong until `--rebuild`."""
    before = document(say, "payables")
    with monkeypatch.context() as older:
        older.setattr(view_file, "digest_of_rooms", lambda package: "of an older program")
        assert document(say, "payables") == before
        with sqlite3.connect(run / "nodes" / "bureau" / VIEWS_FILE) as file:
            file.execute("UPDATE payables_institution SET earned_fen = earned_fen + 1")
        assert document(say, "payables") != before, "positive control: the same rules feed nothing again"
    assert document(say, "payables") == before


def test_the_rules_of_a_view_are_all_files_that_feed_it(tmp_path: Path) -> None:
    package = Path(consortium.__file__).parent
    digests = {view_file.digest_of_rooms(package)}
    for number, changed in enumerate(("views/stock.py", "contracts/insurance/journal.py", "commands/view.py")):
        copy = tmp_path / str(number)
        for room in ("views", "contracts", "commands"):
            shutil.copytree(package / room, copy / room)
        assert view_file.digest_of_rooms.__wrapped__(copy) in digests, "positive control: a copy is the same"
        (copy / changed).write_text((package / changed).read_text() + "\n")
        digests.add(view_file.digest_of_rooms.__wrapped__(copy))
    assert len(digests) == 3, "a command feeds nothing"


def test_the_rules_of_a_plug_ins_view_are_its_file_too(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = load_views()["stock"]

    def feed(book: Book, told: Told) -> None: ...

    theirs = ours._replace(feed=feed)
    known = []
    for text in (b"one", b"another"):
        source = Source("mine", Path("mine.py"), text, False)
        monkeypatch.setattr(view_file, "current", lambda source=source: Loaded((source,)))
        known.append((view_file.rules_of(ours), view_file.rules_of(theirs)))
    assert known[0][0] == known[1][0] and known[0][1] != known[1][1]


def test_of_a_pruned_ledger_a_view_begins_where_its_bodies_begin(say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = document(say, "statement", "--rebuild")
    monkeypatch.setattr(Ledger, "bodies_above", 1)
    assert document(say, "statement") | {"first_height": 0} == whole, "what was fed before the bodies went stays"
    part = document(say, "statement", "--rebuild")
    assert part["first_height"] == 2 and part["height"] == whole["height"]
    assert "begins at height 2" in say("statement")[2]


def test_a_view_that_was_fed_less_than_what_is_gone_is_made_anew(
    say: Any, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    height = document(say, "statement", "--rebuild")["height"]
    with sqlite3.connect(run / "nodes" / "bureau" / VIEWS_FILE) as file:
        file.execute("UPDATE fed SET height = 0 WHERE view = 'statement'")
    monkeypatch.setattr(Ledger, "bodies_above", height - 1)
    assert len(document(say, "statement")["tables"]["entry"]) < 8


def test_who_may_not_look_is_refused(say: Any) -> None:
    status, out, _ = say("payables", "--member", "hospital-1")
    assert (status, out) == (1, "refused: not-permitted: a hospital may not look at payables\n")
    assert say("stock", "--member", "hospital-1")[0] == 0


def test_amounts_are_shown_in_yuan_to_the_fen(say: Any) -> None:
    told = {0: "0.00", 5: "0.05", -5: "-0.05", 12_345_678: "123,456.78", -100: "-1.00"}
    assert {fen: viewing._yuan(fen) for fen in told} == told


def test_a_table_says_yuan_where_it_shows_yuan_and_no_column_says_fen(say: Any) -> None:
    status, out, _ = say("payables")
    assert status == 0 and "institution (2), amounts in yuan" in out and "_fen" not in out
    assert "amounts" not in say("stock", "--member", "bureau")[1]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["statements"], "there is no view 'statements'; there are "),
        (["payables", "--where", "owed"], "expected COLUMN=VALUE"),
        (["payables", "--where", "owed=1"], "payables has the columns disbursed_fen"),
        (["payables", "--member", "nobody"], "no member after height"),
    ],
)
def test_a_mistake_is_one_sentence(say: Any, words: list[str], why: str) -> None:
    status, _, error = say(*words)
    assert status == 2 and why in error and error.count("\n") == 1


def test_without_a_name_all_views_are_told(say: Any) -> None:
    _, out, _ = say()
    assert all(name in out for name in load_views())
