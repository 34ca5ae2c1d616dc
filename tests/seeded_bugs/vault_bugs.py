"""Bugs of a vault: who is given what, what is durable first, what an erasure leaves."""

from __future__ import annotations

from .bug import SeededBug

VAULT = "consortium/vault/"
MACHINE = "tests/unit/vault/test_vault_machine.py"
EXCHANGE, TRIAL = "tests/simulation/test_exchange.py", "tests/simulation/test_trial.py"
LEAVES = "tests/unit/vault/test_vault_leaves.py"
CONSENTS = "tests/unit/contracts/test_consent.py"
RECORDS = "consortium/contracts/records/"

VAULT_BUGS = (
    SeededBug(
        "record-given-to-anybody",
        "Who may have a record the ledger's state says (docs/decisions/082).",
        VAULT + "giving.py",
        "if entry is None or not entry.may_have(asker):",
        "if entry is None:",
        (MACHINE,),
    ),
    SeededBug(
        "record-given-before-catching-up",
        "A holder whose ledger ends before the asker's waits (docs/decisions/084).",
        VAULT + "vault.py",
        "if question.height > self._site.height() and question.receiver == self._site.me:",
        "if question.height > self._site.height() + 1_000:",
        (MACHINE,),
    ),
    SeededBug(
        "another-record-taken",
        "What is taken is the record of the ledger's commitment (docs/decisions/082).",
        VAULT + "vault.py",
        "if box.handle != handle or box.commitment != entry.commitment:",
        "if box.handle != handle:",
        (MACHINE,),
    ),
    SeededBug(
        "audit-after-the-record",
        "A read is written down before the record is returned (docs/decisions/082).",
        VAULT + "vault.py",
        'return [written, answer, Note("record_given"',
        'return [answer, written, Note("record_given"',
        (MACHINE,),
    ),
    SeededBug(
        "erased-record-served-after-a-boot",
        "What was erased goes at a boot before anything is served (docs/decisions/084).",
        VAULT + "vault.py",
        "        for handle in self._catalogue.erased(state):\n",
        "        for handle in ():\n",
        (MACHINE,),
    ),
    SeededBug(
        "erased-record-taken-in-again",
        "A tombstone blocks re-import (docs/decisions/084).",
        VAULT + "vault.py",
        "if self._boxes.get(guard.handle) is not None or self._is_erased(guard.handle):",
        "if self._boxes.get(guard.handle) is not None:",
        (MACHINE,),
    ),
    SeededBug(
        "reads-of-a-day-without-end",
        "A member is given so many records a day and no more: each is an entry for ever (docs/decisions/082).",
        VAULT + "giving.py",
        "        return reads < self._share.reads_a_day\n",
        "        return True\n",
        (MACHINE,),
    ),
    SeededBug(
        "reads-of-a-day-forgotten-by-a-boot",
        "The store says how many records a member was given today, also after a boot (docs/decisions/082).",
        VAULT + "audit.py",
        "Counter(entry.reader for entry in entries if entry.day == entries[-1].day)",
        "Counter[str]()",
        (MACHINE,),
    ),
    SeededBug(
        "private-store-after-the-votes",
        "A record is durable before what is stored on the strength of it (docs/decisions/082).",
        "nodes/process/carrier.py",
        "        return bool(self.stores or self.private)\n",
        "        return bool(self.stores)\n",
        ("tests/unit/nodes/test_carrier.py",),
    ),
    SeededBug(
        "log-of-the-private-store-kept",
        "What is dropped is in no byte of any file (docs/decisions/083).",
        "nodes/process/private_store.py",
        "                self._empty_log()\n",
        "                pass\n",
        ("tests/unit/nodes/test_private_store.py",),
    ),
    SeededBug(
        "pad-of-a-page-gone",
        "A value lies in overflow pages alone, of which SQLite leaves no copies (docs/decisions/083).",
        "nodes/process/private_store.py",
        "values = (row.name, PAGE_BYTES, row.value)",
        "values = (row.name, 0, row.value)",
        ("tests/unit/nodes/test_private_pad.py",),
    ),
    SeededBug(
        "copy-kept-after-its-leave",
        "A reader's copy goes when its leave ends (docs/decisions/127).",
        VAULT + "vault.py",
        "                if isinstance(person, str):\n                    effects += self._let_go(person)\n",
        "",
        (EXCHANGE,),
    ),
    SeededBug(
        "copy-kept-over-a-boot",
        "A reader's copy goes also where it was away when its leave ended (docs/decisions/127).",
        VAULT + "vault.py",
        "        effects += self._let_go()\n",
        "",
        (LEAVES,),
    ),
    SeededBug(
        "old-access-under-a-new-word",
        "What was opened under an earlier grant is not opened by a later one (docs/decisions/127).",
        RECORDS + "consents.py",
        "consent.stage == GRANTED and consent.serial == leave.serial",
        "consent.stage == GRANTED",
        (CONSENTS,),
    ),
    SeededBug(
        "consent-for-any-purpose",
        "A consent is for its purpose (docs/decisions/127).",
        RECORDS + "consents.py",
        "    if any(_stands_for_another_purpose(state, place, day) for place in places):\n",
        "    if False:\n",
        (CONSENTS,),
    ),
    SeededBug(
        "glass-for-good",
        "A glass that was not justified ends at once (docs/decisions/127).",
        RECORDS + "consents.py",
        "    return not glass.is_over and glass.stage != UNJUSTIFIED\n",
        "    return not glass.is_over\n",
        (CONSENTS,),
    ),
    SeededBug(
        "data-of-who-left",
        "Before the result a withdrawal makes void all that the person is in (docs/decisions/128).",
        RECORDS + "trial.py",
        "    if trial.stage != PUBLISHED:\n        told +=",
        "    if trial.stage == PUBLISHED:\n        told +=",
        (TRIAL,),
    ),
)
