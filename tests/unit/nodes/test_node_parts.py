"""Small parts of the nodes room: delay line, trace files, fault clock."""

import asyncio
from pathlib import Path

from consortium.scenario.network.model import NetworkModel
from consortium.scenario.scenario import Line, Link, LinkChange, Network
from nodes.conduct.local_world import cuts
from nodes.process.delay_line import DelayLine, UpLine
from nodes.process.trace_file import TraceTail, TraceWriter, cut_torn_line


async def test_a_delay_bounds_nobodys_rate() -> None:
    got: list[float] = []
    loop = asyncio.get_running_loop()
    model = NetworkModel(Network(default=Link(mean_us=50_000)), seed=1)
    line = DelayLine("me", model, lambda _, frames: got.append(loop.time()))
    begun = loop.time()
    for _ in range(500):
        line.arrive("you", [b"x"])
    await asyncio.sleep(0.2)
    assert len(got) == 500 and got[0] - begun >= 0.045 and got[-1] - begun < 0.15


async def test_a_thousand_messages_at_a_hundred_milliseconds_all_arrive_in_about_that_and_in_order() -> None:
    got: list[tuple[float, int]] = []
    loop = asyncio.get_running_loop()
    network = Network(default=Link("normal", 100_000, 2_000, in_order=True))
    line = DelayLine("me", NetworkModel(network, 1), lambda _, frames: got.append((loop.time(), int(frames[0]))))
    begun = loop.time()
    for number in range(1_000):
        line.arrive("you", [str(number).encode()])
    async with asyncio.timeout(10):
        while len(got) < 1_000:
            await asyncio.sleep(0.01)
    assert [number for _, number in got] == list(range(1_000))
    assert got[0][0] - begun >= 0.09
    assert got[-1][0] - begun < 5, "a pipe of one message a latency would take 100 s"


async def test_lines_up_and_down_and_changes_hold_in_real_runs() -> None:
    got: list[bytes] = []
    slow = Network(Link(mean_us=0), lines={"me": Line(80_000, 80_000, 2_900)})  # ten bytes a millisecond
    down = DelayLine("me", NetworkModel(slow, 1), lambda _, frames: got.extend(frames))
    up = UpLine("me", NetworkModel(slow, 1), lambda to, frames: got.extend(frames))
    for line in (lambda frame: down.arrive("you", [frame]), lambda frame: up.publish(None, [frame])):
        got.clear()
        for number in range(5):
            line(bytes([number]) * 1_000)
        assert got == [], "the first is through after 100 ms"
        async with asyncio.timeout(10):
            while len(got) < 3:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.15)
        assert [frame[0] for frame in got] == [0, 1, 2], "two found the queue full"
    got.clear()
    lossy = Network(Link(mean_us=0), changes=(LinkChange(0, {"loss_ppm": 1_000_000}, to_us=1),))
    changing = DelayLine("me", NetworkModel(lossy, 1), lambda _, frames: got.extend(frames))
    for began_us, frame in ((1 << 62, b"lost"), (0, b"after")):
        changing.begin(began_us)
        changing.arrive("you", [frame])
    await asyncio.sleep(0.05)
    assert got == [b"after"]


async def test_what_one_member_has_on_its_way_is_bounded_and_the_others_are_not_touched() -> None:
    got: list[str] = []
    model = NetworkModel(Network(default=Link(mean_us=30_000)), 1)
    line = DelayLine("me", model, lambda sender, _: got.append(sender))
    for _ in range(5):
        line.arrive("flood", [bytes(10_000_000)])
    line.arrive("you", [b"x"])
    await asyncio.sleep(0.1)
    assert sorted(got) == ["flood", "flood", "you"]
    line.arrive("flood", [bytes(10_000_000)])
    await asyncio.sleep(0.1)
    assert len(got) == 4, "what has left makes room"


async def test_a_partition_cuts_off_and_heals_and_loss_loses() -> None:
    got: list[bytes] = []
    line = DelayLine("me", None, lambda _, frames: got.extend(frames))
    line.cut = frozenset({"you"})
    line.arrive("you", [b"1"])
    line.arrive("other", [b"2"])
    line.cut = frozenset()
    line.arrive("you", [b"3"])
    assert got == [b"2", b"3"]
    lossy = DelayLine(
        "me", NetworkModel(Network(default=Link(mean_us=0, loss_ppm=500_000)), 1), lambda _, frames: got.extend(frames)
    )
    for _ in range(400):
        lossy.arrive("you", [b"x"])
    await asyncio.sleep(0.05)
    assert 120 < got.count(b"x") < 280


def test_a_tail_sees_each_whole_line_once_also_over_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    tail = TraceTail(path)
    assert tail.read() == []
    writer = TraceWriter(path, "n")
    writer.add(5, "booted", {"records": 0})
    assert tail.read() == []
    writer.flush()
    assert tail.read() == [{"t_us": 5, "node": "n", "kind": "booted", "records": 0}]
    with path.open("ab") as file:
        file.write(b'{"t_us": 9, "no')  # killed in the middle of a line
    assert tail.read() == []
    again = TraceWriter(path, "n")
    again.add(12, "booted", {"records": 3})
    again.close()
    assert [record["t_us"] for record in tail.read()] == [12]
    assert tail.read() == [] and tail.unreadable == 0
    writer.close()


def test_cutting_a_torn_line_keeps_every_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "t"
    for whole, torn in ((b"", b"x" * 200_000), (b"a\n" * 50_000, b"x" * 200_000), (b"a\n", b""), (b"", b"")):
        path.write_bytes(whole + torn)
        assert cut_torn_line(path) == len(torn)
        assert path.read_bytes() == whole
    assert cut_torn_line(tmp_path / "none") == 0


def test_trace_times_never_run_backwards(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "t", "n")
    for t_us in (5, 3, 9):
        writer.add(t_us, "x", {})
    writer.close()
    assert [record["t_us"] for record in TraceTail(tmp_path / "t").read()] == [5, 5, 9]


def test_a_partition_is_seen_the_same_from_both_sides() -> None:
    assert cuts([["a", "b"], ["c"]], ["a", "b", "c", "d"]) == {
        "a": ["c", "d"],
        "b": ["c", "d"],
        "c": ["a", "b", "d"],
        "d": ["a", "b", "c"],
    }
    assert cuts([], ["a", "b"]) == {"a": [], "b": []}
