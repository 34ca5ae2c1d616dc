"""`python -m nodes.process.health …`: is this program well? Exit status 0, or 1 with a sentence. For container engines.

- `door PATH`: a node that serves at its door, and whose bus is up.
- `gateway PORT CA`: a gateway of this machine that says at /health that it is well.
- `listens PORT`: a broker has this port. It is not connected to: it would write that down each time.

It is asked again and again: nothing of ours that takes long to import is imported."""

from __future__ import annotations

import http.client
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

ANSWER_S = 5.0
_LENGTH = struct.Struct(">I")  # of a frame, see nodes/process/door_frames.py
_LISTENING = "0A"


def look_at_door(path: str) -> str:
    """What is wrong; empty: nothing."""
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(ANSWER_S)
        door.connect(path)
        body = msgspec.msgpack.encode({"id": 1, "ask": "status"})
        door.sendall(_LENGTH.pack(len(body)) + body)
        with door.makefile("rb") as said:
            told = msgspec.msgpack.decode(said.read(_LENGTH.unpack(said.read(4))[0]))
    if not told.get("is_live"):
        return f"it is starting, or refuses: {told.get('error', '')}"
    return "" if told.get("bus") in ("up", "partly") else "no broker delivers to it"


def look_at_gateway(port: str, authority: str) -> str:
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPSConnection("localhost", int(port), timeout=ANSWER_S, context=context)
    connection.request("GET", "/health")
    status = connection.getresponse().status
    connection.close()
    return "" if status == http.client.OK else f"it answers {status}"


def look_for_listener(port: str) -> str:
    wanted = f":{int(port):04X}"
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if table.exists():
            fields = (line.split() for line in table.read_text().splitlines()[1:])
            if any(field[1].endswith(wanted) and field[3] == _LISTENING for field in fields):
                return ""
    return f"nobody listens on port {port}"


LOOKS: Mapping[str, Callable[..., str]] = {
    "door": look_at_door,
    "gateway": look_at_gateway,
    "listens": look_for_listener,
}


def main(words: list[str]) -> int:
    try:
        wrong = LOOKS[words[0]](*words[1:])
    except (OSError, http.client.HTTPException, struct.error, msgspec.MsgspecError) as error:
        wrong = f"it does not answer: {error}"
    print(wrong or "well")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
