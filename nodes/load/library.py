"""Clients of the library, which raise nothing while a gateway or a node is away: whatever they raise is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from consortium.client import BadRequest, Client, ClientError
from nodes.load.clients import Told
from nodes.load.gates import Gate, claims_of

WITHIN_S = 60.0


async def run(folder: Path, ways: Sequence[Sequence[Gate]], clients: int, seconds: float) -> Told:
    """`clients` at once, each with all gateways of one of `ways`: it submits, waits for the execution, that the library
    verifies, and submits the next."""
    told = Told.nothing()
    ends_s = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for at in range(clients):
            gates = ways[at % len(ways)]
            first = (at // len(ways)) % len(gates)
            group.create_task(_one(folder, [*gates[first:], *gates[:first]], ends_s, told))
    return told


async def _one(folder: Path, gates: Sequence[Gate], ends_s: float, told: Told) -> None:
    client = Client(
        [gate.url for gate in gates],
        token=gates[0].token,
        genesis=folder / "genesis.json",
        ca=folder / "ca.crt",
        application=gates[0].application,
        within_s=WITHIN_S,
    )
    async with client:
        for (claim,) in claims_of(gates[0].samples):
            if time.monotonic() >= ends_s:
                break
            began_s = time.monotonic()
            try:
                outcome = await client.submit("settlement", "issue_and_claim", claim)
            except (ClientError, BadRequest) as error:
                told.codes[f"raised {type(error).__name__}"] += 1
                continue
            told.latencies_s.append(time.monotonic() - began_s)
            told.codes[f"200 {outcome.code}"] += 1
            told.acknowledged.add(bytes.fromhex(outcome.transaction)[:16])
        if client.lies:
            told.codes["a gateway was said to lie"] += 1
