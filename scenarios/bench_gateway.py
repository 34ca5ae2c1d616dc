"""What does a request through a gateway cost, and how long does it take: clients, gateways and nodes apart?

Closed clients of a consortium that stands (`consortium up`): each posts a claim, waits for its execution, posts the
next, over one connection that stays open. It prints latency, throughput, and of each kind of process CPU seconds a
transaction and memory. CPU counts: the machine is shared by all of them.

    python scenarios/bench_gateway.py consortium-data --clients 1 --seconds 20
    python scenarios/bench_gateway.py consortium-data --clients 500 --seconds 60
    python scenarios/bench_gateway.py consortium-data --clients 16 --together 100
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import resource
import secrets
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.contracts.insurance.lines import Line, commit_lines, compute_sold, compute_sums
from consortium.contracts.insurance.policy import ItemVersion
from consortium.contracts.insurance.settlement import IssueAndClaim
from consortium.scenario.workloads.standing import Samples
from nodes.deploy.deployment import read_deployment
from nodes.gateway.arguments import told
from nodes.gateway.settings import GatewayFolder, read_gateway_settings
from nodes.process.settings import NodeFolder

ITEM, PRICE_FEN = "001102000010000", 5_000  # lines are private: the ledger has their sums
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
KINDS = {"nodes": "nodes", "nodes.gateway": "gateways", "mosquitto": "brokers"}


class Gate(NamedTuple):
    """A gateway that is asked, and what its member may claim."""

    host: str
    port: int
    context: ssl.SSLContext | None
    token: str
    samples: Samples


class Told(NamedTuple):
    latencies_s: list[float]
    codes: Counter[str]


def find_gates(folder: Path) -> list[Gate]:
    """Of all members that act for an institution."""
    gates = []
    for name in read_deployment(folder).members:
        node = NodeFolder(folder, name)
        samples = msgspec.json.decode((node.input / "samples.json").read_bytes(), type=Samples)
        place = GatewayFolder(node)
        if not samples.institution or not place.token("desk").is_file():
            continue
        settings = read_gateway_settings(place.settings)
        context = None if settings.plain_http else ssl.create_default_context(cafile=str(folder / "ca.crt"))
        gates.append(Gate("127.0.0.1", settings.port, context, place.token("desk").read_text().strip(), samples))
    return gates


def bodies(gate: Gate, together: int) -> Iterator[tuple[str, bytes]]:
    """Path and body of one request after another: claims of persons in turn, each with a bill of its own."""
    day = int(datetime.now(UTC).astimezone(timezone(timedelta(hours=8))).strftime("%Y%m%d"))
    persons = [person for person in gate.samples.persons if person.year == day // 10_000]
    for serial in itertools.count():
        claims = [_claim(gate.samples, persons[(serial + at) % len(persons)].psn_no, day) for at in range(together)]
        if together == 1:
            yield "/v1/settlement/issue_and_claim", msgspec.json.encode(claims[0])
        else:
            items = [{"contract": "settlement", "operation": "issue_and_claim", "arguments": each} for each in claims]
            yield "/v1/transactions", msgspec.json.encode({"items": items})


def _claim(samples: Samples, psn_no: str, day: int) -> Any:
    lines, version = (Line(ITEM, 1, PRICE_FEN),), [ItemVersion(20000101, "A", "service", 0)]
    number = f"{samples.institution}-{secrets.token_hex(6)}"
    return told(
        IssueAndClaim(
            bill_no=number,
            patient="",
            psn_no=psn_no,
            fixmedins_code=samples.institution,
            med_type="outpatient",
            begndate=day,
            enddate=day,
            sums=compute_sums(lines, version),
            sold=compute_sold(lines, version),
            lines=commit_lines(secrets.token_bytes(16), number.lower(), lines),
        )
    )


# --- clients --------------------------------------------------------------------------------------------------------


async def client(gate: Gate, together: int, ends_s: float, told_: Told) -> None:
    """One after another until the time is over; a connection that ends is made again."""
    requests = bodies(gate, together)
    while time.monotonic() < ends_s:
        try:
            reader, writer = await asyncio.open_connection(gate.host, gate.port, ssl=gate.context)
        except OSError:
            told_.codes["no connection"] += 1
            await asyncio.sleep(0.2)
            continue
        try:
            while time.monotonic() < ends_s:
                await _one(gate, reader, writer, next(requests), together, told_)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            told_.codes["connection lost"] += 1
        finally:
            writer.close()


async def _one(gate: Gate, reader: Any, writer: Any, request: tuple[str, bytes], together: int, told_: Told) -> None:
    path, body = request
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {gate.host}\r\nAuthorization: Bearer {gate.token}\r\n"
        f"Idempotency-Key: {secrets.token_hex(8)}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    began_s = time.monotonic()
    writer.write(head.encode() + body)
    status, answer = await _answer(reader)
    told_.latencies_s.append(time.monotonic() - began_s)
    if status == 200:
        items = [answer] if together == 1 else answer["items"]
        told_.codes.update(f"200 {item.get('code', '-')}" for item in items)
        return
    told_.codes[str(status)] += 1
    if status in (429, 503):
        await asyncio.sleep(1.0)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    length = next(int(line.partition(":")[2]) for line in lines if line.lower().startswith("content-length:"))
    return int(lines[0].split()[1]), msgspec.json.decode(await reader.readexactly(length))


# --- processes ------------------------------------------------------------------------------------------------------


class Used(NamedTuple):
    cpu_s: float
    rss_mb: float  # the largest of its kind


def used(folder: Path) -> dict[str, Used]:
    """By kind of process of this consortium."""
    found: dict[str, Used] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            times = (path / "stat").read_text().rpartition(")")[2].split()
            pages = int((path / "statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
        kind = _kind(words, folder)
        if kind:
            before = found.get(kind, Used(0.0, 0.0))
            rss_mb = pages * resource.getpagesize() / 1e6
            found[kind] = Used(before.cpu_s + (int(times[11]) + int(times[12])) * TICK_S, max(before.rss_mb, rss_mb))
    return found


def _kind(words: Sequence[str], folder: Path) -> str:
    if not any(str(folder) in word for word in words):
        return ""
    if "-m" in words:
        module = words[words.index("-m") + 1]
        return KINDS.get(module, "brokers" if module.startswith("nodes.broker") else "")
    return KINDS.get(Path(words[0]).name, "")


# --- the run --------------------------------------------------------------------------------------------------------


async def run(gates: Sequence[Gate], clients: int, together: int, seconds: float) -> Told:
    told_ = Told([], Counter())
    ends_s = time.monotonic() + seconds
    await asyncio.gather(*(client(gates[at % len(gates)], together, ends_s, told_) for at in range(clients)))
    return told_


def main() -> None:
    parser = argparse.ArgumentParser(description="What does a request through a gateway cost?")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--together", type=int, default=1, help="transactions in one request")
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    gates = find_gates(asked.folder)
    before, mine_s = used(asked.folder), time.process_time()
    told_ = asyncio.run(run(gates, asked.clients, asked.together, asked.seconds))
    mine_s = time.process_time() - mine_s
    after = used(asked.folder)
    done = sum(count for code, count in told_.codes.items() if code.startswith("200"))
    latencies = sorted(told_.latencies_s) or [0.0]
    print(f"{asked.clients} clients of {len(gates)} gateways, {asked.together} together, {asked.seconds:g} s")
    print(f"answers: {', '.join(f'{count} × {code}' for code, count in sorted(told_.codes.items()))}")
    p50, p99 = (latencies[min(len(latencies) - 1, int(len(latencies) * share))] * 1_000 for share in (0.5, 0.99))
    print(f"latency p50 {p50:.1f} ms, p99 {p99:.1f} ms; {done / asked.seconds:.1f} transactions/s")
    for kind, now in sorted(after.items()):
        cpu_ms = (now.cpu_s - before.get(kind, Used(0.0, 0.0)).cpu_s) * 1_000 / max(1, done)
        print(f"{kind}: {cpu_ms:.2f} ms of CPU a transaction (all of them), {now.rss_mb:.0f} MB the largest")
    print(f"clients: {mine_s * 1_000 / max(1, done):.2f} ms of CPU a transaction")


if __name__ == "__main__":
    main()
