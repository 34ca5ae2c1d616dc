"""A vault at its edges, one condition at a time: what is lost, what is not signed, what is too much, what is bent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from consortium.contracts.records.record import Ask, Deliver, Erase, Register, ReportMismatch
from consortium.core.codec import encode
from consortium.core.contract import StateReader
from consortium.core.machine import Guard, Opened, Read, Send, Started
from consortium.core.sealing import SEALINGS, encrypt_body
from consortium.core.vault import BOX, LACKING, Box, Contents, commit
from consortium.vault.audit import Audit, AuditEntry, chain_fault, read_entries
from consortium.vault.boxes import DictBoxes
from consortium.vault.giving import GivenShare, Giver
from consortium.vault.locksmith import Locksmith
from consortium.vault.wants import ASKS_MAX, Wants
from tests.unit.vault.test_vault_machine import (
    COMMITMENT,
    HANDLE,
    RECORD,
    SECOND_US,
    _with_digest,
    answer_of,
    ask,
    delivered,
    kinds,
    lacking,
    question,
    registered,
    salts_of,
)
from tests.vault_net import VaultNet, secrets_of

# --- getting ----------------------------------------------------------------------------------------------------------


def test_a_sound_box_of_the_record_that_was_not_the_one_signed_is_refused() -> None:
    """So nothing but the digest can tell."""
    net = lacking(VaultNet())
    _, heard = answer_of(net)
    smith = Locksmith(net.suite, secrets_of("h1"), "h1")
    key = net.suite.public_key(secrets_of("h2")["encrypt"])
    other = encode(smith.seal_to(BOX.decode(net.boxes["h1"].get(HANDLE) or b""), key, b"m" * 16))
    assert other != heard.attachment and len(other) == len(heard.attachment)
    net.step("h2", heard._replace(attachment=other))
    assert net.boxes["h2"].names() == [] and "rejected" in [note.kind for note in net.notes["h2"]]


def test_a_box_of_the_very_record_under_another_name_is_refused() -> None:
    """A liar knows record and salt, and makes a box of them that opens: it would lie in the store under its name."""
    net = lacking(VaultNet())
    _, heard = answer_of(net)
    about = Box("record/r-9", COMMITMENT, b"", b"")
    salt, data_key = salts_of("h1").salt(HANDLE), b"k" * 32
    assert commit(salt, RECORD) == COMMITMENT
    wrap = SEALINGS[net.suite.name].seal(net.suite.public_key(secrets_of("h2")["encrypt"]), b"s" * 32, data_key)
    box = Box("record/r-9", COMMITMENT, encrypt_body(data_key, about.about, encode(Contents(salt, RECORD))), wrap)
    assert Locksmith(net.suite, secrets_of("h2"), "h2").open(box).record == RECORD, "positive control: it opens"
    net.step("h2", heard._replace(message=_with_digest(heard.message, encode(box)), attachment=encode(box)))
    assert net.boxes["h2"].names() == [] and "rejected" in [note.kind for note in net.notes["h2"]]


def denied(net: VaultNet) -> VaultNet:
    """h2 was given the record, says that it is another, and need not hold it: it may be given it, and has it still."""
    delivered(net).execute("h2", "record", "report_mismatch", ReportMismatch("h1:r-1", "h2:q-1"))
    assert net.boxes["h2"].get(HANDLE) is not None
    return net


def test_a_holder_that_lost_its_record_gets_it_from_one_that_need_not_hold_it() -> None:
    net = denied(VaultNet())
    net.boxes["h1"] = DictBoxes(is_lacking=True)
    net.boot("h1")
    assert net.asks()[-1] == ("h1", "h2") and net.boxes["h1"].names() == [HANDLE]


def test_one_that_need_not_hold_a_record_asks_its_holders_alone() -> None:
    """The control of the test above."""
    net = denied(VaultNet())
    net.execute("bureau", "record", "request", Ask("h1:r-1", "bureau:q-2", "audit"))
    net.execute("h1", "record", "deliver", Deliver("h1:r-1", "bureau:q-2", COMMITMENT))
    net.execute("bureau", "record", "report_mismatch", ReportMismatch("h1:r-1", "bureau:q-2"))
    net.away, asked = {"h1"}, len(net.asks())
    net.boxes["h2"] = DictBoxes()
    net.boot("h2")
    net.step("h2", Read(HANDLE, "treatment"))
    net.wait(30 * SECOND_US)
    assert len(net.asks()) > asked and set(net.asks()[asked:]) == {("h2", "h1")}


def test_a_record_that_is_erased_while_it_is_waited_for_is_waited_for_no_more() -> None:
    net = lacking(VaultNet())
    net.away = {"h1"}
    net.boot("h2")
    net.step("h2", Read(HANDLE, "treatment"))
    assert net.told["h2"] == [] and not net.vaults["h2"].is_done
    net.execute("bureau", "record", "erase", Erase(HANDLE, "asked-by-patient"))
    assert net.told["h2"] == [Opened(HANDLE, None, why="erased")] and net.vaults["h2"].is_done


def test_a_store_that_was_lost_says_so_until_all_has_come_also_over_another_boot() -> None:
    """The lines of a bill come to nobody later: only a store that knows that it lacks rows looks for them."""
    net = registered(VaultNet(), "bureau")
    net.boxes["h1"] = DictBoxes(is_lacking=True)
    net.away = {"bureau"}
    for _ in range(2):
        net.boot("h1")
        assert net.boxes["h1"].names() == [LACKING] and not net.vaults["h1"].is_done
    net.away = set()
    net.wait(60 * SECOND_US)
    assert net.boxes["h1"].names() == [HANDLE] and net.vaults["h1"].is_done


@pytest.mark.parametrize("is_lacking", [True, False])
def test_a_store_that_lacks_rows_is_held_against_all_that_its_member_holds(is_lacking: bool) -> None:
    net, asked = VaultNet(), list[bool]()

    def held_by(state: StateReader, member: str, is_all: bool) -> Iterator[str]:
        asked.append(is_all)
        return iter(())

    vault = net.vaults["h1"]
    vault._catalogue = vault._catalogue._replace(held_by=held_by)
    if is_lacking:
        net.boxes["h1"].put(LACKING, b"")
    net.step("h1", Started(()))
    assert asked == [is_lacking]


def test_no_more_records_are_asked_for_at_once_than_may_be_open() -> None:
    net = registered(VaultNet(), "bureau")
    for number in range(2, 3 * ASKS_MAX):
        handle = f"record/h1:r-{number}"
        net.step("h1", Guard(handle, RECORD))
        commitment = salts_of("h1").commit(handle, RECORD)
        net.execute("h1", "record", "register", Register(f"h1:r-{number}", "report", commitment, ("bureau",)))
    net.away, net.boxes["bureau"] = {"h1"}, DictBoxes(is_lacking=True)
    asked = len(net.asks())
    net.boot("bureau")
    assert len(net.asks()) - asked == ASKS_MAX
    wants = Wants()
    for number in range(2 * ASKS_MAX):
        wants.add(f"record/w-{number}", 0)
    for _ in range(ASKS_MAX):
        want = wants.take_due(0)
        assert want is not None
        wants.asked(0, want, "h1", b"n" * 16)
    assert wants.take_due(0) is None


# --- our role ---------------------------------------------------------------------------------------------------------


def test_a_box_of_another_record_than_the_ledger_names_is_not_opened_for_our_own_role() -> None:
    net = VaultNet()
    net.step("h1", Guard(HANDLE, b"another record than was registered"))
    net.execute("h1", "record", "register", Register("h1:r-1", "report", COMMITMENT, ()))
    net.step("h1", Read(HANDLE, "treatment"))
    assert [opened.record for opened in net.told["h1"]] == [None]
    assert "damaged" in [note.kind for note in net.notes["h1"]] and net.boxes["h1"].names() == []


# --- giving -----------------------------------------------------------------------------------------------------------


def test_what_the_state_says_is_erased_is_not_given_also_before_the_vault_has_heard_of_it() -> None:
    net = delivered(VaultNet())
    assert Send in kinds(ask(net, "h2", question(net))), "positive control"
    net.house.run("bureau", "record", "erase", Erase(HANDLE, "asked-by-patient"))
    (note,) = ask(net, "h2", question(net))
    assert (note.kind, note.fields["why"]) == ("withheld", "erased") and net.boxes["h1"].get(HANDLE) is not None


def test_a_member_is_given_so_many_bytes_in_a_second_and_no_more() -> None:
    net = VaultNet()
    giver = Giver("h1", net.vaults["h1"]._catalogue, net.house.state, GivenShare(answers=256, bytes=100))
    assert giver.has_share(0, "h2")
    giver.count("h2", 99)
    assert giver.has_share(0, "h2")
    giver.count("h2", 1)
    assert not giver.has_share(0, "h2") and giver.has_share(0, "bureau")
    assert giver.has_share(SECOND_US, "h2")


# --- the audit of reads -----------------------------------------------------------------------------------------------


def written(*days: int) -> list[AuditEntry]:
    boxes = DictBoxes()
    audit = Audit(boxes)
    for number, day in enumerate(days):
        boxes.settle(audit.write(day, "h2", f"record/r-{number}", "treatment"))
    return list(read_entries(boxes))


@pytest.mark.parametrize("change", [{"reader": "h1"}, {"handle": "record/r-9"}, {"purpose": "audit"}, {"day": 1}])
def test_an_entry_that_was_changed_later_breaks_the_chain(change: dict[str, Any]) -> None:
    entries = written(20241004, 20241004, 20241005)
    assert chain_fault(entries) == ""
    bent = [entries[0], msgspec.structs.replace(entries[1], **change), entries[2]]
    assert chain_fault(bent) == "entry 3 does not follow entry 2"


def test_a_clock_that_goes_back_makes_no_day_of_reads_twice() -> None:
    """An anchored day is over: what is read afterwards counts to the day of the entry before."""
    assert [entry.day for entry in written(20241005, 20241004, 20241006)] == [20241005, 20241005, 20241006]
