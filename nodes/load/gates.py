"""Where load goes: gateways, under which token, and claims that their members may make."""

from __future__ import annotations

import itertools
import secrets
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.core.plain_json import to_json
from consortium.scenario.workloads.sample_claims import CALL, sample_claim
from consortium.scenario.workloads.standing import Samples
from nodes.deploy.deployment import read_deployment
from nodes.gateway.registering import add
from nodes.gateway.settings import GatewayFolder, read_gateway_settings
from nodes.process.settings import NodeFolder


class Gate(NamedTuple):
    """A gateway that is asked, and what may be claimed there: `application` is "MEMBER/NAME"."""

    name: str
    host: str
    port: int
    context: ssl.SSLContext | None
    token: str
    application: str
    samples: Samples

    @property
    def url(self) -> str:
        return f"{'http' if self.context is None else 'https'}://{self.host}:{self.port}"


def find_gates(folder: Path) -> list[Gate]:
    """Of all members that act for an institution, each with its own desk."""
    found = []
    for name in read_deployment(folder).members:
        samples, token = read_samples(folder, name), GatewayFolder(NodeFolder(folder, name)).token("desk")
        if samples.institution and token.is_file():
            found.append(_gate(folder, name, token.read_text().strip(), f"{name}/desk", samples))
    return found


def gates_of_all(folder: Path) -> list[list[Gate]]:
    """For each member that acts for an institution: all gateways, its own first, at which a new application of it is
    known. Raises UserError."""
    names = read_deployment(folder).members
    made = []
    for name in names:
        samples = read_samples(folder, name)
        if not samples.institution:
            continue
        application = f"load-{secrets.token_hex(4)}"
        added = add(folder, application, name, names, ("settlement.*",))
        order = sorted(names, key=lambda each: each != name)
        made.append([_gate(folder, each, added.token, f"{name}/{application}", samples) for each in order])
    return made


def read_samples(folder: Path, name: str) -> Samples:
    return msgspec.json.decode((NodeFolder(folder, name).input / "samples.json").read_bytes(), type=Samples)


def _gate(folder: Path, name: str, token: str, application: str, samples: Samples) -> Gate:
    settings = read_gateway_settings(GatewayFolder(NodeFolder(folder, name)).settings)
    context = None if settings.plain_http else ssl.create_default_context(cafile=str(folder / "ca.crt"))
    return Gate(name, "127.0.0.1", settings.port, context, token, application, samples)


def bodies(samples: Samples, together: int) -> Iterator[tuple[str, bytes]]:
    """Path and body of one request after another."""
    contract, operation = CALL
    for claims in claims_of(samples, together):
        if together == 1:
            yield f"/v1/{contract}/{operation}", msgspec.json.encode(claims[0])
        else:
            items = [{"contract": contract, "operation": operation, "arguments": each} for each in claims]
            yield "/v1/transactions", msgspec.json.encode({"items": items})


def claims_of(samples: Samples, together: int = 1) -> Iterator[list[Any]]:
    """Claims of persons in turn, each with a bill of its own, so many at a time, as JSON has them."""
    day = int(datetime.now(UTC).astimezone(timezone(timedelta(hours=8))).strftime("%Y%m%d"))
    persons = [person for person in samples.persons if person.year == day // 10_000]
    for serial in itertools.count(secrets.randbelow(len(persons))):
        yield [_claim(samples, persons[(serial + at) % len(persons)].psn_no, day) for at in range(together)]


def _claim(samples: Samples, psn_no: str, day: int) -> Any:
    number = f"{samples.institution}-{secrets.token_hex(6)}"
    return to_json(sample_claim(samples.institution, psn_no, number, day, secrets.token_bytes(16)))
