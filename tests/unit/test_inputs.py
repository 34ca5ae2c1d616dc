"""What an organisation brings: its own work, read again as it was, and nothing that no role brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from consortium.core.codec import encode
from consortium.roles.bureau import BureauTasks, Premium
from consortium.roles.loader import Load
from consortium.roles.work import Work
from consortium.scenario.assemble import prepare
from consortium.scenario.inputs import InputFault, decode_work, encode_work
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Workload

SCENARIOS = Path(__file__).parents[2] / "scenarios"
KEY = b"k" * 32


@pytest.mark.parametrize("name", ["claim_day", "bench_settlement", "membership_join"])
def test_the_work_of_every_member_comes_back_as_it_was(name: str) -> None:
    scenario = load_scenario(SCENARIOS / f"{name}.py")
    if name == "bench_settlement":
        scenario = replace(scenario, workload=Workload("settlement_load", {"transactions": 100, "persons": 3}))
    for member, work in prepare(scenario, KEY).work.items():
        data = encode_work(work)
        assert decode_work(data) == work and work.member == member
        assert encode_work(decode_work(data)) == data


class Stranger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A task that no role brings."""

    word: str = ""


def test_a_task_that_no_role_brings_is_neither_written_nor_read() -> None:
    with pytest.raises(TypeError, match="put it into the file of its role"):
        encode_work(Work("a", (Stranger(),)))
    for kind in (f"{__name__}:Stranger", "os:system", "consortium.core.genesis:Genesis", "", "x" * 4_000):
        data = encode({"format": 1, "member": "a", "tasks": [{"kind": kind, "value": b"\x80"}]})
        with pytest.raises(InputFault, match="which no role or plug-in in use brings"):
            decode_work(data)


def test_a_task_of_any_type_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "consortium.roles.bureau"
    loose = msgspec.defstruct("Loose", [("value", Any, None)], module=module, frozen=True)
    monkeypatch.setattr(f"{module}.Loose", loose, raising=False)
    with pytest.raises(TypeError, match=r"Loose\.value is of any type"):
        encode_work(Work("a", (loose(),)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc0",
        encode({"format": 2, "member": "a", "tasks": []}),
        encode({"format": 1, "member": "a", "tasks": [{"kind": "consortium.roles.loader:Load", "value": b"\x80"}]}),
        encode_work(Work("a", (BureauTasks(premiums=(Premium(0, "p", 202601, "employee", 1, 1),)),)))[:-1],
    ],
)
def test_bytes_that_are_no_work_are_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(InputFault) as fault:
        decode_work(data)
    assert str(fault.value)


def test_calls_of_a_load_are_the_bytes_that_are_signed() -> None:
    call = ("funds", "open", msgspec.Raw(encode({"fund": "x"})))
    read = decode_work(encode_work(Work("a", (Load(((call,),), 1),)))).of(Load)
    assert bytes(read.calls[0][0][2]) == encode({"fund": "x"})
