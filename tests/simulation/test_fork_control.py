"""The positive control, scenarios/attacks/fork.py: with f+1 traitors the fork is found; ledgers alone convict them."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from consortium.core.codec import encode
from consortium.core.machine import Rows
from consortium.core.seals import decode_certificate
from consortium.lab.checks.claims import exit_status, judge
from consortium.lab.checks.culprits import accusations, first_fork
from consortium.ledger.rows import END
from consortium.runs.run import Run
from consortium.scenario.load import load_scenario
from tests.adversary_kit import Observed

FORK = Path(__file__).resolve().parent.parent.parent / "scenarios" / "attacks" / "fork.py"


@pytest.fixture(scope="module")
def observed() -> Observed:
    return Observed(load_scenario(FORK, ["suite=keyed-hash"]))


def _run(observed: Observed, ledgers: dict[str, Rows]) -> Run:
    return Run(observed.scenario, observed.simulated.genesis, observed.trace, ledgers)


def test_a_fork_by_f_plus_1_is_found_and_names_them_and_nobody_honest(observed: Observed) -> None:
    """The control of all checks: exit status 1, and the certificates of honest ledgers convict f+1 and no other."""
    run = _run(observed, dict(observed.simulated.ledgers))
    verdicts = judge(run)
    assert exit_status(verdicts) == 1
    fork = first_fork(run)
    assert fork is not None and fork.culprits == ("node-1", "node-2", "node-3") and len(fork.culprits) == fork.f + 1
    told = next(verdict.failures for verdict in verdicts if verdict.name == "agreement")
    assert "node-1, node-2, node-3 (3 members, f = 2)" in told[0]
    assert not [each for each in accusations(run) if each.culprit not in run.traitors]


def test_ledgers_that_agree_prove_no_fork_and_one_forged_signature_names_nobody(observed: Observed) -> None:
    same: dict[str, Rows] = dict.fromkeys(("node-4", "node-6"), observed.simulated.ledgers["node-4"])
    assert first_fork(_run(observed, same)) is None
    ledgers: dict[str, Rows] = {name: observed.simulated.ledgers[name] for name in ("node-4", "node-6")}
    for rows in ledgers.values():  # somebody doctors a signature of each certificate
        for key, raw in rows.range("certificate", b"", END):
            certificate = decode_certificate(raw)
            (name, _), *others = certificate.signatures
            rows.stage([("certificate", key, encode(replace(certificate, signatures=((name, bytes(64)), *others))))])
    doctored = first_fork(_run(observed, ledgers))
    assert doctored is not None and "node-1" not in doctored.culprits
