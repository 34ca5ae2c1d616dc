"""Several consortia in one virtual time settle with each other by proofs; a bridge that lies achieves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from consortium.contracts.bridges.clearing_records import DUES
from consortium.contracts.bridges.foreign_facts import ROWS
from consortium.contracts.bridges.hash_lock_records import LOCKS, OPENED, REFUNDED
from consortium.contracts.bridges.rate import compute_fen
from consortium.contracts.medicines.receivable import RECEIVABLES
from consortium.core.codec import encode
from consortium.core.contract import StateReader
from consortium.lab.together import judge_together
from consortium.ledger.rows import DictRows, state_key
from consortium.ledger.state import Reader, State
from consortium.roles.carrier import Carrier, Errand, Far
from consortium.roles.executed_effects import END
from consortium.runs.run import Run
from consortium.runs.trace import fingerprint
from consortium.scenario.chains import Chains, check_chains, load_chains
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.simulation.together import Together
from tests.simulated_runs import failures, outcomes

FOLDER = Path(__file__).parents[2] / "scenarios" / "together"


def chains(name: str) -> Chains:
    return load_chains(FOLDER / f"{name}.py")


def runs_of(chosen: Chains) -> tuple[dict[str, Run], bool]:
    ended = Together(chosen).run()
    runs = {
        name: Run(chosen.chains[name], done.genesis, done.trace, dict(done.ledgers), vaults=dict(done.vaults))
        for name, done in ended.simulated.items()
    }
    return runs, ended.is_done


def sound(name: str) -> dict[str, Run]:
    """To its end, with every check of each chain, and between them."""
    runs, is_done = runs_of(chains(name))
    assert is_done and [(chain, failures(run)) for chain, run in runs.items() if failures(run)] == []
    assert [each.name for each in judge_together(runs) if each.fails] == []
    return runs


def state_of(run: Run) -> StateReader:
    assert run.fullest is not None
    return Reader(State(run.fullest.rows))


def codes(run: Run, contract: str) -> Counter[tuple[str, str]]:
    return Counter((one.operation, one.receipt.code) for one in outcomes(run) if one.contract == contract)


def test_two_regions_clear_a_month_and_sell_claims_across_both_ledgers() -> None:
    runs = sound("two_regions")
    assert codes(runs["north"], "clearing") == {("gather", "ok"): 1, ("propose", "ok"): 1, ("receive", "ok"): 1}
    assert codes(runs["south"], "clearing") == {("confirm", "ok"): 1, ("pay", "ok"): 1}
    stages = {key: lock.stage for key, lock in state_of(runs["north"]).range(LOCKS, "", END)}
    assert stages == {"supplier:C0": OPENED, "supplier:C1": REFUNDED, "supplier:C2": REFUNDED}
    assert {each.word for each in judge_together(runs)} == {"holds"}


def test_a_bank_that_was_away_past_every_end_gets_what_it_paid_for() -> None:
    runs = sound("hash_lock")
    claims, money = state_of(runs["claims"]), state_of(runs["money"])
    opened = sorted(lock.target for _, lock in money.range(LOCKS, "", END) if lock.stage == OPENED)
    assert opened == ["supplier/supplier"] * 2
    owners = Counter(each.bank for _, each in claims.range(RECEIVABLES, "", END))
    assert owners == {"bank": 2, "": 2}


def test_a_foreign_month_is_paid_by_the_rate_of_its_last_day() -> None:
    runs = sound("clearing")
    due = state_of(runs["mainland"]).get(DUES, "hong-kong/202604")
    assert due is not None and due.currency == "HKD" and due.paid_fen == compute_fen(due.units, 923_137)


def test_who_knows_the_first_members_follows_them_to_those_of_today() -> None:
    runs = sound("foreign_record")
    rows = {key: row.is_there for key, row in state_of(runs["south"]).range(ROWS, "", END)}
    assert rows == {"north/institution/H65010200000": True, "north/institution/H65010299999": False}
    assert codes(runs["south"], "foreign_chain")["advance", "ok"] == 1


def test_the_same_chains_leave_the_same_traces() -> None:
    first, second = (runs_of(chains("clearing"))[0] for _ in range(2))
    assert {name: fingerprint(run.trace) for name, run in first.items()} == {
        name: fingerprint(run.trace) for name, run in second.items()
    }


def test_a_bridge_that_lies_achieves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each proof with a bit of it turned: none is accepted, so nothing is confirmed, and no money moves."""
    honest = Carrier.look

    def bent(self: Carrier, near: StateReader, far: Far) -> list[Errand]:
        found = honest(self, near, far)
        turned = [bytes((*each.arguments[:-40], each.arguments[-40] ^ 1, *each.arguments[-39:])) for each in found]
        return [each._replace(arguments=data) for each, data in zip(found, turned, strict=True)]

    monkeypatch.setattr(Carrier, "look", bent)
    chosen = chains("clearing")
    short = {name: replace(one, stop=replace(one.stop, limit_us=20_000_000)) for name, one in chosen.chains.items()}
    runs, is_done = runs_of(replace(chosen, chains=short))
    assert not is_done
    for run in runs.values():
        done = codes(run, "foreign_chain")
        assert done["accept", "ok"] == 0
    assert codes(runs["mainland"], "foreign_chain")["accept", "proof-fails"] > 0
    assert not codes(runs["mainland"], "clearing")


def rewritten(runs: Mapping[str, Run], chain: str, table: str, key: str, **fields: object) -> dict[str, Run]:
    """As if every ledger of the chain held other fields in a row."""
    ledgers = {}
    for name, rows in runs[chain].ledgers.items():
        assert isinstance(rows, DictRows)
        changed = DictRows()
        for each in ("block", "batch", "receipt", "state", "meta", "epoch", "seal", "certificate"):
            changed.stage(tuple((each, place, value) for place, value in rows.range(each, b"", b"\xff" * 99)))
        value = msgspec.msgpack.decode(changed.get("state", state_key(table, key)) or b"")
        changed.stage((("state", state_key(table, key), encode({**value, **fields})),))
        ledgers[name] = changed
    old = runs[chain]
    return {**runs, chain: Run(old.scenario, old.genesis, old.trace, ledgers)}


@pytest.mark.parametrize(
    ("chain", "table", "key", "fields", "claim"),
    [
        ("north", "foreign_row", "south/hash_lock/bank:M0", {"height": 3}, "rows of others are theirs"),
        ("south", "hash_lock", "bank:M0", {"stage": "refunded"}, "both or neither"),
        ("north", "hash_lock", "supplier:C1", {"stage": "opened"}, "both or neither"),
        ("south", "clearing_due", "north/202604", {"units": 7}, "months agree"),
        ("south", "clearing_due", "north/202604", {"paid_fen": 7}, "months agree"),
        ("south", "clearing_due", "north/202604", {"stage": "confirmed"}, "months agree"),
        ("north", "clearing_claim", "south/202604", {"units": 7}, "months agree"),
    ],
)
def test_what_must_hold_between_them_can_fail(
    two_regions: dict[str, Run], chain: str, table: str, key: str, fields: dict[str, object], claim: str
) -> None:
    assert [each.name for each in judge_together(two_regions) if each.fails] == []
    bent = rewritten(two_regions, chain, table, key, **fields)
    assert claim in [each.name for each in judge_together(bent) if each.fails]


@pytest.fixture(scope="module")
def two_regions() -> dict[str, Run]:
    return runs_of(chains("two_regions"))[0]


def test_chains_that_cannot_be_meant_are_told_so(tmp_path: Path) -> None:
    good = chains("clearing")
    first = good.chains["mainland"]
    for bent, words in (
        (replace(good, chains={"mainland": first}), "two consortia or more"),
        (replace(good, chains={"a": first, "b": first}), "would be one chain"),
        (replace(good, chains={**good.chains, "mainland": replace(first, versions={})}), "foreign_chain"),
        (replace(good, bridge="hospital"), 'of the role "bridge"'),
        (replace(good, introducer="bridge"), '"steward"'),
        (replace(good, chains={"A/B": first, "b": first}), "no name of a chain"),
    ):
        with pytest.raises(ScenarioError, match=words):
            check_chains(bent)
    with pytest.raises(ScenarioError, match="CHAINS"):
        load_chains(FOLDER.parent / "claim_day.py")
    with pytest.raises(ScenarioError, match="consortium together"):
        load_scenario(FOLDER / "clearing.py")
