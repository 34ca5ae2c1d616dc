"""Noise is as the theory says it is; hidden sums are those of all rows, and of nothing else."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from consortium.commands import app
from nodes.privacy.hidden_sums import Hidden, PrivateKey, PublicKey, add, hide, make_keys, open_total
from nodes.privacy.noise import add_noise, error_of, scale_of
from tests.optional import needs

pytestmark = needs("privacy")
DRAWS = 20_000
ROWS = {"one": [(1, 1_017), (2, 2_017), (3, 2_900), (9, 8_817), (2, 2_000)], "two": [(4, 3_900), *[(7, 6_000)] * 5]}


@pytest.mark.parametrize(("sensitivity", "epsilon_milli"), [(1, 500), (1, 2_000), (3, 1_000)])
def test_noise_is_discrete_laplace_of_the_scale_that_epsilon_asks_for(sensitivity: int, epsilon_milli: int) -> None:
    """Against P(k) = (1 − a)/(1 + a) · a^|k| with a = e^(−ε/Δ), by chi-square over what is not rare. A sound sampler
    fails it once in millions."""
    names = {str(number): 7 for number in range(DRAWS)}
    drawn = Counter(value - 7 for value in add_noise(names, sensitivity, epsilon_milli).values())
    a = math.exp(-1 / scale_of(sensitivity, epsilon_milli))
    expected = {k: DRAWS * (1 - a) / (1 + a) * a ** abs(k) for k in range(-200, 201)}
    told = [k for k, number in expected.items() if number >= 20]
    square = sum((drawn[k] - expected[k]) ** 2 / expected[k] for k in told)
    assert square < len(told) + 6 * math.sqrt(2 * len(told)), "mean + 6 deviations of chi-square"
    beyond = sum(number for k, number in drawn.items() if abs(k) > error_of(sensitivity, epsilon_milli))
    assert beyond < DRAWS * 0.06


def test_neighbours_are_told_apart_by_no_more_than_epsilon() -> None:
    """From the law itself: whoever sees a value learns of one person at most a factor of e^ε."""
    epsilon, sensitivity = 0.5, 3
    scale = scale_of(sensitivity, 500)
    ratios = [math.exp((abs(value - sensitivity) - abs(value)) / scale) for value in range(-50, 51)]
    assert max(ratios) <= math.exp(epsilon) and max(ratios) > math.exp(0.99 * epsilon)


def test_too_little_noise_would_be_seen() -> None:
    """The positive control: what was drawn for an ε four times as large fails the comparison above."""
    names = {str(number): 0 for number in range(DRAWS)}
    drawn = Counter(add_noise(names, 1, 2_000).values())
    a = math.exp(-1 / scale_of(1, 500))
    assert (drawn[0] - DRAWS * (1 - a) / (1 + a)) ** 2 / (DRAWS * (1 - a) / (1 + a)) > 1_000


@pytest.fixture(scope="module")
def keys() -> tuple[PublicKey, PrivateKey]:
    return make_keys(512)  # as small as a test may be


def parts(key: PublicKey) -> list[Hidden]:
    return [hide(key, ("days", "cost_fen"), rows) for rows in ROWS.values()]


def test_a_total_tells_what_all_rows_together_would(keys: tuple[PublicKey, PrivateKey]) -> None:
    public, private = keys
    moments = open_total(private, add(parts(public)))
    days, costs = zip(*(row for rows in ROWS.values() for row in rows), strict=True)
    assert moments.rows == len(days) and moments.sum_of("cost_fen") == sum(costs)
    assert moments.mean("days") == pytest.approx(statistics.mean(days))
    assert moments.deviation("cost_fen") == pytest.approx(statistics.pstdev(costs))
    line = statistics.linear_regression(days, costs)
    assert moments.line() == pytest.approx((line.slope, line.intercept))


def test_what_is_hidden_is_hidden_anew_each_time(keys: tuple[PublicKey, PrivateKey]) -> None:
    one, again = (hide(keys[0], ("days",), [(3,)] * 9) for _ in range(2))
    assert not set(one.ciphers) & set(again.ciphers)


def test_parts_are_not_opened_added_twice_or_mixed(keys: tuple[PublicKey, PrivateKey]) -> None:
    public, private = keys
    one, two = parts(public)
    other_public, other_private = make_keys(512)
    for act, words in (
        (lambda: open_total(private, one), "one hospital's part"),
        (lambda: add([one, two, one]), "named twice"),
        (lambda: add([one, hide(other_public, ("days", "cost_fen"), ROWS["two"])]), "other keys"),
        (lambda: add([one, hide(public, ("days",), [(1,)] * 5)]), "other columns"),
        (lambda: open_total(other_private, add([one, two])), "another key"),
        (lambda: hide(public, ("days",), [(1,)] * 4), "too much of each"),
    ):
        with pytest.raises(Exception, match=words):
            act()


def test_the_command_goes_from_rows_to_a_line(
    keys: tuple[PublicKey, PrivateKey],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    say = _saying(capsys)
    for name, key in zip(("public.json", "private.json"), keys, strict=True):
        (tmp_path / name).write_text(json.dumps({field: getattr(key, field) for field in key.__struct_fields__}))
    for name, rows in ROWS.items():
        lines = [f"{days},{cost}" for days, cost in rows]
        (tmp_path / f"{name}.csv").write_text("\n".join(["days,cost_fen", *lines]) + "\n")
        of = ("--of", "days", "--of", "cost_fen")
        assert say("hidden-sum", "hide", "public.json", f"{name}.csv", *of, "--out", f"{name}.json")[0] == 0
    assert say("hidden-sum", "add", "one.json", "two.json", "--out", "total.json")[0] == 0
    status, out = say("hidden-sum", "open", "private.json", "total.json")
    assert status == 0 and "rows of all parts: 11" in out and "· days" in out
    for words, told in (
        (("open", "private.json", "one.json"), "no total"),
        (("shake", "x"), "no step"),
        (("hide", "public.json", "one.csv"), "with --of"),
        (("hide", "public.json", "one.csv", "--of", "weight"), "no column weight"),
        (("add", "one.csv"), "not what this step takes"),
        (("open", "private.json", "nowhere.json"), "cannot read"),
        (("keys", "one.json"), "two files"),
    ):
        status, out = say("hidden-sum", *words)
        assert status == 2 and told in out


def _saying(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def say(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            app.main(list(words))
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out or err

    return say
