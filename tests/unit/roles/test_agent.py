"""An agent keeps keys and carries what its patients say; nothing is said in anybody else's name."""

from __future__ import annotations

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import institution
from consortium.contracts.insurance.lines import Sums
from consortium.contracts.records.record import Register
from consortium.contracts.records.tombstones import TOMBSTONES
from consortium.core.codec import encode
from consortium.core.genesis import genesis_call
from consortium.core.spoken import VOICES
from consortium.roles.agent import ROLE, AgentTasks, Unwanted
from consortium.roles.bureau import ROLE as BUREAU
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.role import Settings
from consortium.roles.voices import Saying, VoiceKeys, Voices
from consortium.roles.work import Work
from tests.unit.roles.small_ledger import CHAIN, SmallDay, SmallLedger

KEYS = VoiceKeys(CHAIN, "ed25519", b"k" * 32)
ROLES = {"agent": "agent", "bureau": "bureau", "h1": "hospital"}
DAY, SUMS = 20260301, Sums(medfee_sumamt=100, inscp_amt=100)
ANNA, BERT, CARL = "b-anna", "b-bert", "b-carl"
SIGN = institution.Sign("H1", "hospital", 1, "h1", "L-1", 20991231)


def day_of(agents: dict[str, str]) -> SmallDay:
    """Two persons at one agent, whom the bureau knows to be there or not."""
    ledger = SmallLedger(ROLES, [genesis_call("institution", "sign", SIGN)])
    bureau = BUREAU.build(Settings(), Work("bureau", (DeskTasks(agents),)), ledger.reader)
    agent = ROLE.build(Settings(), Work("agent", (AgentTasks((ANNA, BERT)), KEYS)), ledger.reader)
    return SmallDay(ledger, {"bureau": bureau, "agent": agent})


def deliver(day: SmallDay, person: str, serial: str) -> None:
    number = f"h1-{serial}"
    day.waiting += [
        ("h1", "bill", "issue", bills.Issue("H1", number, person, "outpatient", DAY, DAY, SUMS, (), b"l" * 32)),
        ("h1", "bill", "deliver", bills.Step(number)),
    ]


def stage_of(day: SmallDay, serial: str) -> str:
    bill = day.ledger.state.get(bills.BILLS, f"h1-{serial}")
    assert bill is not None
    return str(bill.stage)


def test_a_patient_verifies_its_bill_by_its_own_statement() -> None:
    day = day_of({ANNA: "agent", BERT: "agent"})
    for person, serial in ((ANNA, "1"), (ANNA, "2"), (BERT, "3"), (CARL, "4")):
        deliver(day, person, serial)
    day.run()
    assert [stage_of(day, serial) for serial in "1234"] == ["collected", "collected", "collected", "delivered"]
    verified = [one for one in day.ledger.outcomes if one.operation == "verify_by_patient"]
    assert len(verified) == 3 and {one.member for one in verified} == {"agent"}
    voice = day.ledger.state.get(VOICES, ANNA)
    assert voice is not None and voice.highest == 2


def test_the_bureau_vouches_only_for_the_agent_that_its_person_named() -> None:
    day = day_of({ANNA: "agent", BERT: "another"})
    deliver(day, ANNA, "1")
    deliver(day, BERT, "2")
    for _ in range(20):
        day.tick()
    assert [stage_of(day, serial) for serial in "12"] == ["collected", "delivered"]
    assert day.ledger.state.get(VOICES, BERT) is None
    assert not day.roles["agent"].is_done, "it waits for the bureau's word"


def test_an_agent_that_boots_again_says_the_same_and_one_that_missed_blocks_goes_on() -> None:
    day = day_of({ANNA: "agent", BERT: "agent"})
    deliver(day, ANNA, "1")
    day.run()
    again = ROLE.build(Settings(), Work("agent", (AgentTasks((ANNA, BERT)), KEYS)), day.ledger.reader)
    day.rebuild("agent", again)
    deliver(day, ANNA, "2")
    day.run()
    late = ROLE.build(Settings(), Work("agent", (AgentTasks((ANNA, BERT)), KEYS)), day.ledger.reader)
    day.rebuild("agent", late, base=len(day.ledger.blocks))
    deliver(day, ANNA, "3")
    day.run()
    assert [stage_of(day, serial) for serial in "123"] == ["collected"] * 3
    said = [one for one in day.ledger.outcomes if one.operation == "verify_by_patient"]
    assert len(said) == 3 and all(one.receipt.is_ok for one in said)


def test_a_number_is_used_again_after_a_refusal_and_left_alone_where_the_ledger_knows_it() -> None:
    ledger = SmallLedger(ROLES)
    voices = Voices(KEYS, ledger.reader)
    saying = Saying(ANNA, bills.VERIFY_BY_PATIENT, bills.Step("h1-1"))
    first, said = voices.say(saying)
    voices.refused(ANNA, first, "wrong-stage")
    assert voices.say(saying) == (first, said), "the same words under the same number are the same bytes"
    assert voices.say(saying)[0] == first + 1
    voices.refused(ANNA, first + 1, "spoken-before")
    assert voices.say(saying)[0] == first + 2


def test_each_pseudonym_has_a_key_of_its_own() -> None:
    assert len({KEYS.secret(ANNA), KEYS.secret(BERT), VoiceKeys(CHAIN, "ed25519", b"l" * 32).secret(ANNA)}) == 3
    assert KEYS.key not in encode(Voices(KEYS, SmallLedger(ROLES).reader).present(ANNA))


def test_an_agent_has_a_record_erased_once_it_is_registered_and_its_person_is_vouched_for() -> None:
    ledger = SmallLedger(ROLES, [genesis_call("institution", "sign", SIGN)])
    bureau = BUREAU.build(Settings(), Work("bureau", (DeskTasks({ANNA: "agent", BERT: "another"}),)), ledger.reader)
    wanted = (("h1:r-1", ANNA), ("h1:r-2", BERT), ("h1:r-3", ANNA))
    unwanted = tuple(Unwanted(0, f"record/{number}", person) for number, person in wanted)
    work = Work("agent", (AgentTasks((ANNA, BERT), erasures=unwanted), KEYS))
    day = SmallDay(ledger, {"bureau": bureau, "agent": ROLE.build(Settings(), work, ledger.reader)})
    day.waiting += [
        ("h1", "record", "register", Register(number, "report", b"c" * 32, (), person))
        for number, person in (("h1:r-1", ANNA), ("h1:r-2", BERT))
    ]
    for _ in range(20):
        day.tick()
    erased = [handle for handle, _ in ledger.state.range(TOMBSTONES, "", "~")]
    assert erased == ["record/h1:r-1"], "nobody vouches for Bert's key here, and nobody has registered r-3"
    assert not day.roles["agent"].is_done
    day.rebuild("agent", ROLE.build(Settings(), work, ledger.reader), base=len(ledger.blocks))
    day.waiting.append(("h1", "record", "register", Register("h1:r-3", "report", b"c" * 32, (), ANNA)))
    for _ in range(20):
        day.tick()
    assert [handle for handle, _ in ledger.state.range(TOMBSTONES, "", "~")] == ["record/h1:r-1", "record/h1:r-3"]
    said = [one for one in ledger.outcomes if one.operation == "erase_by_patient"]
    assert len(said) == 2 and all(one.receipt.is_ok and one.member == "agent" for one in said)
