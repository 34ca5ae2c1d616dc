"""Bugs in what stands between the bus and the machine: whose frame it is, what it may cost, and how much is held."""

from __future__ import annotations

from .bug import COMMON, CORE, HOST, LEDGER, LEDGER_BOUNDS, NODE, PBFT, PEERS, SeededBug

INBOX = "tests/unit/node/test_inbox.py"
PUBLISHERS = "tests/unit/node/test_publishers.py"

BUS_BUGS: tuple[SeededBug, ...] = (
    SeededBug(
        "frame-heard-from-anybody",
        "A frame is heard from its signer alone (docs/architecture.md, on the wire).",
        NODE + "host.py",
        "        if signed.sender != name:",
        "        if not signed.sender:",
        (HOST,),
    ),
    SeededBug(
        "blamed-on-every-way",
        "What a broker makes up in a member's name is charged to it by this way alone (node/way.py).",
        NODE + "publishers.py",
        "        account = self._accounts.get(publisher)",
        "        account = self._accounts.get(publisher := publisher_of(publisher))",
        (HOST,),
    ),
    SeededBug(
        "named-member-blamed",
        "What is wrong with a frame is charged to its publisher (node/publishers.py).",
        NODE + "host.py",
        'return self._charge(now, publisher, f"published',
        'return self._charge(now, signed.sender, f"published',
        (HOST,),
    ),
    SeededBug(
        "forgeries-verified-without-end",
        "A publisher whose frames are read for nothing is not read for a while (node/publishers.py).",
        NODE + "publishers.py",
        "        if account.faults <= FAULTS_MAX:",
        "        if account.faults:",
        (PUBLISHERS, HOST),
    ),
    SeededBug(
        "unknown-epoch-charged",
        "A statement of an epoch that we do not know yet is nobody's fault (node/host.py).",
        CORE + "verifier.py",
        'raise Foreign("a statement of another chain',
        'raise Malformed("a statement of another chain',
        (HOST,),
    ),
    SeededBug(
        "refusals-noted-one-by-one",
        "Refusals are noted a few a second of each publisher (node/publishers.py).",
        NODE + "publishers.py",
        "        if account.noted >= NOTED_MAX:",
        "        if account.noted < 0:",
        (PUBLISHERS, HOST),
    ),
    SeededBug(
        "publishers-not-served-in-turns",
        "Frames that wait are served in turns by publisher (node/fair_queues.py).",
        NODE + "fair_queues.py",
        "            turns.rotate(-1)",
        "            turns.rotate(0)",
        (INBOX,),
    ),
    SeededBug(
        "flood-listened-to",
        "A publisher far over its share is shut out for the stated time (node/inbox.py).",
        NODE + "inbox.py",
        "                if count > MORE_THAN_OTHERS * others:",
        "                if count < MORE_THAN_OTHERS * others:",
        (INBOX,),
    ),
    SeededBug(
        "small-rows-cost-nothing",
        "A row of a snapshot counts with what holding it costs (ledger/fetch.py).",
        LEDGER + "fetch.py",
        "        self._bytes += size + ROW_BYTES * rows",
        "        self._bytes += size",
        (LEDGER_BOUNDS,),
    ),
    SeededBug(
        "early-batches-without-bound",
        "Batches far above what was decided are held within a bound of bytes (pbft/bodies.py).",
        PBFT + "bodies.py",
        "        return held + size <= EARLY_BYTES_MAX",
        "        return held >= 0",
        (PEERS,),
    ),
    SeededBug(
        "next-epochs-batches-without-bound",
        "Attachments of the next epoch are held within a bound of bytes (common/next_epoch.py).",
        COMMON + "next_epoch.py",
        "        if held + len(event.attachment) > ATTACHED_BYTES_MAX:",
        "        if held < 0:",
        (PEERS,),
    ),
)
