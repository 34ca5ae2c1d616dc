"""Canaries: a thousand invented names, numbers, diagnoses and texts laid into the input, and a search for them in any
bytes, in whatever form they may have left: plain, in another encoding, or as a bare hash."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from consortium.scenario.streams import Stream

EACH = 200  # of five kinds
COUNTY = "650102"
_SURNAMES = ["欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "令狐", "慕容"]
_LETTERS = "澜煊禾栩翎珩霁菡蓁骁瑾晟铄沅澍昀琰淇奚彧"
_ILLNESSES = ["二型糖尿病伴视网膜病变", "慢性阻塞性肺疾病急性加重", "冠状动脉粥样硬化性心脏病", "双相情感障碍"]
_WORDS = ["患者自述", "夜间加重", "家属要求", "拒绝手术", "曾在外院", "与邻居争执", "独居无人照看", "请勿告知单位"]
WINDOW = 8  # bytes by which a pattern is looked for first


class Canary(NamedTuple):
    kind: str
    text: str


def check_digit(first17: str) -> str:
    """The last sign of an identity number (GB 11643)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first17, weights, strict=True)) % 11]


def identity_number(birthday: int, serial: int) -> str:
    first = f"{COUNTY}{birthday:08d}{serial:03d}"
    return first + check_digit(first)


def _pick(stream: Stream, choices: list[str] | str) -> str:
    return choices[stream.below(len(choices))]


def make_canaries(seed: int = 1) -> dict[str, list[Canary]]:
    """EACH of every kind, all different, the same for a seed."""
    stream = Stream(seed, "canaries")
    makers = {
        "name": lambda n: (
            _pick(stream, _SURNAMES) + _pick(stream, _LETTERS) + _LETTERS[n % 20] + _LETTERS[n // 20 % 20]
        ),
        "identity": lambda n: identity_number((1940 + n % 70) * 10_000 + 101 + n % 28, 100 + n),
        "telephone": lambda n: f"139{stream.below(10**5):05d}{n:03d}",
        "diagnosis": lambda n: f"{_pick(stream, _ILLNESSES)}（{n:03d}{_pick(stream, _LETTERS)}型）",
        "text": lambda n: f"{_pick(stream, _WORDS)}，{_pick(stream, _WORDS)}，第{n:03d}次{_pick(stream, _LETTERS)}",
    }
    made = {kind: [Canary(kind, make(number)) for number in range(EACH)] for kind, make in makers.items()}
    assert all(len({canary.text for canary in found}) == EACH for found in made.values())
    return made


def lay_input(sample: Path, folder: Path, canaries: dict[str, list[Canary]]) -> None:
    """The sample with canaries in it: identity numbers as the ids of patients, and all else where FHIR has a place."""
    folder.mkdir()
    resources = {path.name: read_lines(path) for path in sorted(sample.glob("*.ndjson.gz"))}
    renamed: dict[str, str] = {}
    patients = resources["Patient.ndjson.gz"]
    for number, patient in enumerate(patients):
        renamed[patient["id"]] = canaries["identity"][number].text
        for kind in ("name", "identity", "telephone"):
            patient[kind] = [canary.text for canary in canaries[kind][number :: len(patients)]]
        patient["telecom"] = [{"system": "phone", "value": text} for text in patient["telephone"]]
        patient["identifier"] = [{"value": text} for text in patient.pop("identity")]
    for number, claim in enumerate(resources["Claim.ndjson.gz"]):
        claim["diagnosis"] = [{"text": canaries["diagnosis"][number % EACH].text}]
        claim["note"] = [{"text": canaries["text"][number % EACH].text}]
    for name, found in resources.items():
        lines = [json.dumps(resource, ensure_ascii=False) for resource in found]
        text = "\n".join(lines) + "\n"
        for old, new in renamed.items():
            text = text.replace(old, new)
        (folder / name).write_bytes(gzip.compress(text.encode(), mtime=0))


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def forms(text: str) -> Iterator[tuple[str, bytes]]:
    """What a text may look like where somebody was careless."""
    plain = text.encode()
    yield "plain", plain
    yield "utf-16-le", text.encode("utf-16-le")
    yield "utf-16-be", text.encode("utf-16-be")
    yield "gb18030", text.encode("gb18030")
    yield "json", json.dumps(text).strip('"').encode()
    yield "url", quote(text).encode()
    yield "url small", quote(text).lower().encode()
    for name, data in (("", plain), ("utf-16 ", text.encode("utf-16-le"))):
        yield f"{name}hex", data.hex().encode()
        yield f"{name}HEX", data.hex().upper().encode()
        for shift in range(3):  # wherever it stands in a longer text
            whole = base64.b64encode(bytes(shift) + data)
            inner = whole[-(-shift * 8 // 6) : len(whole) - len(whole) % 4 - 4]
            yield f"{name}base64 at {shift}", inner
            yield f"{name}base64 of urls at {shift}", inner.translate(bytes.maketrans(b"+/", b"-_"))
    for name, digest in _digests(plain):
        yield name, digest
        yield f"{name} hex", digest.hex().encode()
        yield f"{name} HEX", digest.hex().upper().encode()
        yield f"{name} base64", base64.b64encode(digest)[:-2]


def _digests(plain: bytes) -> Iterator[tuple[str, bytes]]:
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
        yield name, hashlib.new(name, plain).digest()[:16]  # the beginning is enough to know it by
    yield "blake2b of 32", hashlib.blake2b(plain, digest_size=32).digest()[:16]
    yield "blake2s", hashlib.blake2s(plain).digest()[:16]


class Net:
    """Finds any of many patterns in bytes."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._by_end: dict[int, list[tuple[Canary, str, bytes]]] = {}
        for canary in canaries:
            for name, pattern in forms(canary.text):
                if len(pattern) >= WINDOW:
                    end = int.from_bytes(pattern[-WINDOW:], "little")
                    self._by_end.setdefault(end, []).append((canary, name, pattern))
        self._sieve = np.zeros(1 << 20, dtype=bool)
        keys = np.array(list(self._by_end), dtype=np.uint64)
        self._sieve[(keys >> np.uint64(44)).astype(np.int64)] = True

    def caught(self, data: bytes) -> set[tuple[Canary, str]]:
        found: set[tuple[Canary, str]] = set()
        whole = np.frombuffer(data, dtype=np.uint8)
        for shift in range(WINDOW):
            count = (len(data) - shift) // WINDOW
            if count <= 0:
                continue
            windows = whole[shift : shift + count * WINDOW].view("<u8")
            for place in np.flatnonzero(self._sieve[(windows >> np.uint64(44)).astype(np.int64)]):
                end = shift + int(place) * WINDOW + WINDOW
                for canary, name, pattern in self._by_end.get(int(windows[place]), ()):
                    if data[max(0, end - len(pattern)) : end] == pattern:
                        found.add((canary, name))
        return found
