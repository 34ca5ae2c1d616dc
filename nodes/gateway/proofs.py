"""Proofs of what is told: made from the node's ledger, and judged here before they leave.

The state has its tree in the node alone: the node is asked for the path of a row at its head, and the proof is made
when a seal stands at or above that head.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import msgspec

from consortium.core.codec import Decoder, Malformed
from consortium.core.contract import Table
from consortium.core.proven import PROOF_BYTES_MAX, Anchor, ProofError, ProvenState, judge_from
from consortium.core.state_path import Path
from consortium.ledger.proofs import StateEvidence, complete_state_proof, prove_receipt, prove_transaction
from nodes.gateway.arguments import told
from nodes.gateway.errors import Problem, node_away
from nodes.gateway.gateway import Gateway
from nodes.gateway.index import Place
from nodes.gateway.node_link import NodeAway
from nodes.gateway.reading import Moment
from nodes.process.door_frames import DoorError

TICK_S = 0.05  # between two looks at the newest seal
_PATH: Decoder[Path] = Decoder(Path, PROOF_BYTES_MAX)


async def prove_record(gateway: Gateway, table: Table[Any], key: str) -> dict[str, Any]:
    """The row as it is at the node's head, with its proof. Raises Problem 503."""
    evidence = await _evidence(gateway, table, key)
    await _sealed(gateway, evidence.height)

    def prove(moment: Moment) -> dict[str, Any]:
        proof = complete_state_proof(moment.rows, evidence)
        proven = judge_from(Anchor.of(gateway.genesis), proof)
        assert isinstance(proven, ProvenState)
        value = None if proven.value is None else told(msgspec.msgpack.decode(proven.value, type=table.kind))
        return {"height": evidence.height, "answer": value, "proof": base64_text(proof)}

    return await _proven(gateway, prove)


async def prove_transaction_there(gateway: Gateway, place: Place) -> dict[str, Any]:
    """That it was said, and what came of it. Raises Problem 503."""
    await _sealed(gateway, place.height)

    def prove(moment: Moment) -> dict[str, Any]:
        proofs = {
            "transaction": prove_transaction(gateway.genesis, moment.rows, place.height, place.number),
            "receipt": prove_receipt(moment.rows, place.height, place.number),
        }
        for proof in proofs.values():
            judge_from(Anchor.of(gateway.genesis), proof)
        return {"is_sealed": True, "proofs": {name: base64_text(proof) for name, proof in proofs.items()}}

    return await _proven(gateway, prove)


async def _evidence(gateway: Gateway, table: Table[Any], key: str) -> StateEvidence:
    try:
        found = await gateway.link.ask("evidence", table=table.name, key=key)
        path = _PATH.decode(found["path"])
        return StateEvidence(int(found["height"]), bytes(found["key"]), found["value"], path)
    except NodeAway:
        raise node_away() from None
    except (DoorError, Malformed, KeyError) as error:
        raise Problem(503, "no-proof", f"the node gives no path of this row: {error}", retry_after_s=1) from None


async def _sealed(gateway: Gateway, height: int) -> None:
    """Raises Problem 503 where no seal comes in the time that an answer may wait."""
    ends_s = gateway.clock() + gateway.settings.wait_s
    while gateway.waiting.sealed < height:
        if gateway.clock() > ends_s:
            why = f"no seal stands at or above height {height} yet: ask again"
            raise Problem(503, "not-sealed", why, retry_after_s=2)
        await asyncio.sleep(TICK_S)


async def _proven(gateway: Gateway, prove: Any) -> dict[str, Any]:
    try:
        made: dict[str, Any] = await gateway.readers.answer(prove)
    except ProofError as error:
        raise Problem(503, "no-proof", str(error), retry_after_s=2) from None
    return made


def base64_text(proof: bytes) -> str:
    return base64.b64encode(proof).decode()
