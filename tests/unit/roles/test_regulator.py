"""The regulator tells who sold a pack that was sold, at the counter too, and who had sold it first."""

from consortium.contracts.insurance import institution
from consortium.contracts.medicines.trace_code import Produce, Sell
from consortium.core.genesis import genesis_call
from consortium.roles.regulator import RegulatorConduct
from tests.contracts_state import code_of
from tests.unit.roles.small_ledger import START_US, SmallLedger

CODE = code_of(1)


def test_a_second_sale_at_the_counter_is_a_finding_that_names_both() -> None:
    calls = [
        genesis_call("institution", "sign", institution.Sign(code, "pharmacy", 1, member, f"L-{code}", 20991231))
        for code, member in (("P1", "p1"), ("P2", "p2"))
    ]
    calls.append(genesis_call("trace_code", "produce", Produce("lot", "D", "tablet", 10, (CODE,), "institution/P1")))
    ledger = SmallLedger({"p1": "pharmacy", "p2": "pharmacy"}, calls)
    block = ledger.block(
        [
            ("p1", "trace_code", "sell", Sell("P1", CODE, "till-1", 0)),
            ("p2", "trace_code", "sell", Sell("P2", CODE, "till-2", 0)),
            ("p2", "trace_code", "sell", Sell("P1", CODE, "till-3", 0)),
        ],
        START_US,
    )
    assert [outcome.receipt.code for outcome in block.outcomes] == ["ok", "trace-code-sold", "not-yours"]
    regulator = RegulatorConduct(ledger.reader)
    notes = [note for outcome in block.outcomes for note in regulator.on_outcome(outcome, None)]  # type: ignore[arg-type]
    (finding,) = notes
    assert finding.fields["rule"] == "reused-trace-code"
    for word in (CODE, "p2 for P2 on till-2", "institution/P1 on till-1"):
        assert word in str(finding.fields["records"])
