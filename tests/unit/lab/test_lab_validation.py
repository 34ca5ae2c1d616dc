"""Simulated against real: what is an error, where it comes from, and when the aim is met."""

from __future__ import annotations

from pathlib import Path

import pytest

from consortium.commands.validate import _Usage
from consortium.lab.comparison.validation import Both, ValidationError, load_validation, validation_csv, verdict
from consortium.lab.measures.measures import Measured, Measures

STUDY = '''"""How near?"""
from consortium.lab.comparison.validation import Validation
from consortium.scenario.scenario import MemberSpec, Scenario
SCENARIO = Scenario(name="near", members=tuple(MemberSpec(f"a-{i}", "regulator") for i in range(1, 5)))
VALIDATION = Validation(SCENARIO, members=(4, 7), repeat=2)
'''


def made(**figures: float) -> Measures:
    return Measures([Measured(name, value, "ms", "") for name, value in figures.items()])


def both(members: int, real: float, simulated: float, others: float = 0.0) -> Both:
    def run(p50: float) -> Measures:
        return made(latency_p50=p50, latency_p95=2 * p50, throughput=1_000 / p50, cpu_all=300.0,
                    submit_to_order_mean=1.0, phase_order_to_prepared_mean=p50 - 1.0)  # fmt: skip

    return Both(members, [run(real - 1), run(real + 1)], [run(simulated), run(simulated)], [others])


def test_an_error_is_that_of_the_means_and_has_a_sign() -> None:
    found = both(4, 10.0, 11.0)
    assert found.pair("latency_p50") == (10.0, 11.0)
    assert found.error("latency_p50") == pytest.approx(0.1)
    assert both(4, 10.0, 8.0).error("latency_p50") == pytest.approx(-0.2)
    assert found.spread("latency_p50") == pytest.approx(0.2)


def test_the_reason_names_the_phase_that_differs_most() -> None:
    told = both(4, 10.0, 14.0, 0.3).reasons()
    assert "«order to prepared»: 9 ms real, 13 ms simulated (+4 ms)" in told[0]
    assert any("other programs had 30%" in words for words in told)


def test_the_aim_is_met_or_missed_in_words_and_a_busy_machine_is_named() -> None:
    assert verdict([both(4, 10.0, 10.5)]).startswith("Within the aim")
    assert "p50 at n = 4 (+30%)" in verdict([both(4, 10.0, 13.0)])
    assert "not quiet" in verdict([both(4, 10.0, 10.5, 0.3)])
    assert "says nothing" in verdict([both(16, 10.0, 30.0)]), "the aim is for n up to 10"


def test_the_table_has_a_row_for_each_size_and_figure() -> None:
    rows = validation_csv([both(4, 10.0, 11.0), both(7, 20.0, 19.0)]).decode().splitlines()
    assert len(rows) == 1 + 2 * 3 and rows[1].startswith("4,latency_p50,ms,10,11,0.1,no,2,")


def test_a_study_is_read_with_its_question_and_wrong_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "near.py"
    path.write_text(STUDY)
    study = load_validation(path, [4], ["seed=9"])
    assert (study.question, study.members, study.repeat) == ("How near?", (4,), 2)
    assert study.at(4, 1).seed == 10 and len(study.at(7, 0).members) == 7
    for text, words in (
        (STUDY.replace("VALIDATION =", "OTHER ="), "has no VALIDATION"),
        ("1 / 0", "ZeroDivisionError"),
    ):
        path.write_text(text)
        with pytest.raises(ValidationError, match=words):
            load_validation(path)
    with pytest.raises(ValidationError, match="expected a Python file"):
        load_validation(tmp_path / "nowhere.py")


def test_the_study_that_comes_with_the_house_can_be_read() -> None:
    study = load_validation(Path(__file__).parents[3] / "scenarios" / "studies" / "validation.py")
    assert tuple(study.members) == (4, 7, 10, 16)


def test_the_share_of_others_is_a_share() -> None:
    before = _Usage.now()
    sum(range(300_000))
    share = before._replace(whole=before.whole - 1).share_of_others()
    assert share is None or 0 <= share <= 2
