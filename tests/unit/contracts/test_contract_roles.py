"""Who may do what: the whole table role × operation of the base contracts, default deny."""

import pytest

from consortium.contracts import load_contracts
from consortium.core.contract import EVERY_MEMBER, GENESIS, VOTE, Context, Refused, Table
from consortium.core.discovery import modules_of
from consortium.roles import load_roles
from tests.contracts_state import MemoryState

B, H, P, S, R, G, V = "bureau", "hospital", "pharmacy", "supplier", "regulator", "genesis", VOTE
I = "insurer"  # noqa: E741
K, F, C = "bank", "finance", "charity"
TABLE: dict[str, dict[str, set[str]]] = {
    "account_carry": {"carry_out": {B}, "carry_in": {B}},
    "agreement": {"offer": {B}, "accept": {H, P}, "judge_month": {B, R}},
    "aid": {
        "adopt_rules": {V, G},
        "apply": set(EVERY_MEMBER),
        "attest": {H, F},
        "review": {B},
        "appeal": set(EVERY_MEMBER),
        "decide_appeal": {F},
        "report_effect": {H},
        "lapse": {B, R},
        "appropriate": {F},
        "disburse": {B},
        "take_back": {B},
        "advance": {H, P},
        "confirm_urgent": {B},
        "check_urgent": {B, R},
    },
    "application": {"register": {*EVERY_MEMBER, G}, "revoke": set(EVERY_MEMBER)},
    "bill": {
        "number": {H, P},
        "issue": {H, P, G},
        "deliver": {H, P},
        "verify": {B, R},
        "verify_by_patient": set(EVERY_MEMBER),
        "collect": {B},
        "reverse": {H, P},
    },
    "channel": {"record": {H, P}, "reconcile": {B}},
    "clearing": {"gather": {B}, "propose": {B}, "confirm": {B}, "pay": {B}, "receive": {B}},
    "consent": {
        "grant": set(EVERY_MEMBER),
        "revoke": set(EVERY_MEMBER),
        "grant_for": set(EVERY_MEMBER),
        "revoke_for": set(EVERY_MEMBER),
        "break_glass": {H},
        "judge_glass": {R},
        "end": {B, R},
        "end_glass": {B, R},
        "check_glass": {B, R},
    },
    "debt": {
        "demand": {B},
        "repay": {H, P},
        "receive": {B},
        "check_due": {B, R},
        "propose_write_off": {B, R},
        "endorse_write_off": {B, R},
    },
    "dip": {
        "set_group": {G, V},
        "set_rule": {G, V},
        "group_case": {B, H, P},
        "regroup_case": {B},
        "settle_month": {B},
        "settle_year": {B},
    },
    "device": {
        "register_model": {S},
        "register": {S},
        "transfer": {H, P, S},
        "use": {H, P},
        "take_back": {H, P},
        "sterilise": {H, P},
        "recall": {S, R, B},
    },
    "vaccination": {
        "set_schedule": {G, V},
        "set_target": {B},
        "give": {H, P},
        "withdraw": {H, P},
        "report_reaction": {H, P},
        "check_due": {B, R},
    },
    "enrolment": {
        "register": {G},
        "propose_change": {B, H, R},
        "endorse_change": {B, H, R},
        "withdraw_change": {B, H, R},
        "record_contribution": {B, G},
    },
    "delegation": {"delegate": set(EVERY_MEMBER), "revoke": set(EVERY_MEMBER)},
    "exchange": {verb: set(EVERY_MEMBER) for verb in ("offer", "request", "deliver", "report_mismatch")},
    "funds": {"open": {B, G}, "contribute": {B, G}},
    "finding": {
        "report": {B, R},
        "answer": {H, P},
        "decide": {R},
        "appeal": {H, P},
        "judge_appeal": {B, R, V},
        "recover": {B},
        "check_term": {B, R},
    },
    "foreign_chain": {"know": {V}, "advance": set(EVERY_MEMBER), "accept": set(EVERY_MEMBER)},
    "fund_transfer": {"propose": {B, R}, "endorse": {B, R}, "withdraw": {B, R}},
    "gift": {"pledge": {C}, "confirm_receipt": {F}, "allocate": {C}, "hand_out": {C}, "acknowledge": {H}},
    "governance": {
        "propose": set(EVERY_MEMBER),
        "vote": set(EVERY_MEMBER),
        "recover_key": set(EVERY_MEMBER),
        "report_evidence": set(EVERY_MEMBER),
    },
    "hash_lock": {"lock": {B, K, S}, "open": set(EVERY_MEMBER), "refund": set(EVERY_MEMBER)},
    "hold": {"place": {B, R}, "ask_lift": {B, R}, "endorse_lift": {B, R, V}},
    "incident": {
        "report": set(EVERY_MEMBER),
        "notify": set(EVERY_MEMBER),
        "extend": {R},
        "close": {R},
        "check_term": {B, R},
    },
    "institution": {
        "sign": {B, G},
        "suspend": {B},
        "resume": {B},
        "terminate": {B},
        "check_licence": {B, R},
        "disburse": {B},
    },
    "identity": {
        "present": set(EVERY_MEMBER),
        "vouch": {B, G},
        "rotate": set(EVERY_MEMBER),
        "propose_recovery": {B},
        "endorse_recovery": {H, R},
        "drop_recovery": {B},
    },
    "offsite": {"place": {B, G}, "settle": {B, G}, "file": {B}, "refer": {H}, "withdraw": {B}},
    "patient_claim": {"claim": set(EVERY_MEMBER), "settle": {B}, "decline": {B}},
    "policy": {"list_items": {V, G}, "adopt_pack": {V, G}, "set_drg_group": {V, G}},
    "lot_quality": {
        "declare": {S},
        "record_step": {S},
        "report_fault": {H, P, S},
        "quarantine": {B, R, S},
        "ask_release": {S},
        "release": {R},
    },
    "premium": {"set_rule": {V, G}},
    "procurement": {
        "award_tender": {B},
        "amend_tender": {B},
        "sign_subcontract": {H, P},
        "place_order": {H, P},
        "prepay": {B, H, P},
        "ship": {S},
        "receive": {H, P},
        "pay": {B, H, P},
        "check_overdue": {B, R},
        "check_volume": {B, R},
        "close_tender": {B, R},
        "send_back": {H, P},
        "refund": {B, S},
        "check_refund": {B, R},
    },
    "rate": {"set": {B}, "endorse": {F}},
    "read_audit": {"anchor": set(EVERY_MEMBER)},
    "receivable": {
        "confirm": {H, P},
        "offer": {S},
        "withdraw": {S},
        "decline": {K},
        "accept": {K},
        "recover": {K},
        "bar": {R},
    },
    "reconciliation": {
        "end_month": {B, R},
        "state_books": {H, P},
        "close": {B},
        "close_by_ledger": {B},
        "remind": {B, R},
    },
    "record": {
        "register": set(EVERY_MEMBER),
        "request": set(EVERY_MEMBER),
        "deliver": set(EVERY_MEMBER),
        "report_mismatch": set(EVERY_MEMBER),
        "erase": {B},
        "erase_by_patient": set(EVERY_MEMBER),
        "confirm_erased": set(EVERY_MEMBER),
    },
    "rollout": {"begin_shadow": {V, G}, "go_live": {V}},
    "second_payer": {
        "register": {I},
        "claim": set(EVERY_MEMBER),
        "pay": {I},
        "decline": {I},
        "check_overdue": {B, R},
    },
    "settlement": {
        "claim": {H, P},
        "issue_and_claim": {H, P},
        "reverse": {B, H, P},
        "confirm_lines": {B, R},
        "report_mismatch": {B, R},
        "release": {B, R},
        "close_year": {B, V},
        "reopen_year": {V},
    },
    "stock": {"list_uncoded": {H, P}, "endorse_uncoded": {B}},
    "statistics": {"set_budget": {V, G}, "publish": {B, R}},
    "trial": {
        "accredit": {R, G},
        "register": {H, "researcher"},
        "approve": {H, "researcher"},
        "reject": {H, "researcher"},
        "join": set(EVERY_MEMBER),
        "withdraw_subject": set(EVERY_MEMBER),
        "withdraw_for": set(EVERY_MEMBER),
        "commit_data": {H, "researcher"},
        "grant": {H, "researcher"},
        "end_access": {B, R},
        "publish_result": {H, "researcher"},
    },
    "trace_code": {
        "produce": {S, G},
        "extend": {S, G},
        "transfer": {H, P, S},
        "send_back": {H, P, S},
        "sell": {H, P},
        "return_sale": {H, P},
        "recall": {S, R, B},
        "record_temperature": {H, P, S},
    },
}


def test_contracts_are_found_and_sorted_and_the_table_names_each() -> None:
    """A contract that is found and has no row here was not reviewed: give it one."""
    names = list(load_contracts())
    assert names == sorted(names)
    assert set(TABLE) == set(names)


def test_the_table_names_every_operation() -> None:
    contracts = load_contracts()
    assert {name: set(contracts[name].operations) for name in TABLE} == {
        name: set(operations) for name, operations in TABLE.items()
    }


@pytest.mark.parametrize("role", [*load_roles(), GENESIS, VOTE, "observer", "", "Bureau"])
def test_a_role_may_do_what_the_table_says_and_nothing_else(role: str) -> None:
    contracts = load_contracts()
    context = Context(b"chain", 1, 0, b"transaction", "someone", role, 19700101)
    for name, operations in TABLE.items():
        for operation, permitted in operations.items():
            assert contracts[name].operations[operation].roles == permitted
            is_permitted = role in permitted or (permitted >= EVERY_MEMBER and role not in ("", GENESIS, VOTE))
            assert contracts[name].operations[operation].is_permitted(role) == is_permitted
            if not is_permitted:
                with pytest.raises(Refused, match="not-permitted"):
                    contracts[name].execute(MemoryState(), operation, None, context)


def test_an_unknown_operation_is_refused() -> None:
    context = Context(b"chain", 1, 0, b"transaction", "someone", B, 19700101)
    for contract in load_contracts().values():
        with pytest.raises(Refused, match="unknown-operation"):
            contract.execute(MemoryState(), "no_such_verb", None, context)


def test_no_two_tables_of_the_state_have_one_name() -> None:
    tables: dict[str, Table[object]] = {}
    for module in modules_of("consortium.contracts"):
        for value in vars(module).values():
            if isinstance(value, Table):
                assert tables.setdefault(value.name, value) is value, f"two tables are named {value.name}"
    assert len(tables) > 15
