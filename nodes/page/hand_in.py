"""Handing in at the gateway of a member, as its desk application does."""

from __future__ import annotations

import secrets
import ssl
from typing import Any

import httpx
import msgspec

from nodes.deploy.deployment import read_deployment
from nodes.deploy.samples import Sample, as_json
from nodes.errors import UserError
from nodes.gateway.making import DESK
from nodes.gateway.settings import GatewayFolder
from nodes.page.facts import Facts
from nodes.page.wrong import Wrong
from nodes.process.keys import read_private
from nodes.process.settings import NodeFolder

WAIT_S = 10


async def hand_in(facts: Facts, sample: Sample) -> dict[str, Any]:
    """What the gateway answers: executed, or taken and not executed yet. Raises Wrong, UserError."""
    place = read_deployment(facts.folder).gateways.get(sample.member)
    if place is None:
        raise UserError(f"{sample.member} has no gateway here to hand in at")
    token = read_private(GatewayFolder(NodeFolder(facts.folder, sample.member)).token(DESK)).decode().strip()
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"page-{secrets.token_hex(12)}"}
    address = f"https://{place.host}:{place.port}/v1/{sample.contract}/{sample.operation}"
    try:
        context = ssl.create_default_context(cafile=facts.folder / "ca.crt")
        async with httpx.AsyncClient(verify=context, timeout=WAIT_S + 5, trust_env=False) as client:
            response = await client.post(
                address, params={"timeout_s": WAIT_S}, json=as_json(sample.arguments), headers=headers
            )
        told: dict[str, Any] = msgspec.json.decode(response.content, type=dict[str, Any])
    except (OSError, httpx.HTTPError, msgspec.MsgspecError) as error:
        raise Wrong(503, f"the gateway of {sample.member} does not answer: {error or type(error).__name__}") from None
    if response.status_code not in (200, 202):
        raise Wrong(503, str(told.get("detail", "the gateway refused it")), str(told.get("code", "")))
    return told
