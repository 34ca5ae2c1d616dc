"""Bugs of a vault: who is given what, what is durable first, what an erasure leaves."""

from __future__ import annotations

from .bug import SeededBug

VAULT = "consortium/vault/"
MACHINE = "tests/unit/vault/test_vault_machine.py"

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
)
