"""The bus with lines and a hub: who waits for whom, to the microsecond."""

from typing import Any

from consortium.scenario.network.model import NetworkModel
from consortium.scenario.scenario import Hub, Line, Link, LinkChange, MemberSpec, Network, Scenario, Stop, Workload
from consortium.simulation.bus.hub import HubTransport, needs_hub
from consortium.simulation.clock import Clock, Due
from consortium.simulation.run import simulate
from consortium.simulation.simulated_node import Parcel, SimulatedNode

NAMES = ("a", "b", "c")


class Wire:
    """Three members on a bus, with nothing behind them."""

    def __init__(self, network: Network) -> None:
        self.clock = Clock(0)
        self.nodes = {name: SimulatedNode(name, name, {}, 0) for name in NAMES}
        for node in self.nodes.values():
            node.host = object()  # type: ignore[assignment]
        self.bus = HubTransport(self.clock, NetworkModel(network, 1, NAMES), self.nodes)

    def send(self, sender: str, to: str | None, size_bytes: int, count: int = 1) -> None:
        for index in range(count):
            self.bus.transmit(self.nodes[sender], to, index.to_bytes(4, "big").ljust(size_bytes, b"."))

    def arrivals(self) -> list[tuple[str, int, int]]:
        """Receiver, time, number of the message."""
        found = []
        while (item := self.clock.pop()) is not None:
            if isinstance(item, Due):
                item.act()
            else:
                assert isinstance(item, Parcel)
                number = int.from_bytes(item.frames[0].payload[:4], "big")
                found.append((item.node.name, self.clock.now_us, number))
        return found


def test_a_hub_serves_publishes_one_after_another_and_copies_one_after_another() -> None:
    wire = Wire(Network(Link(mean_us=1_000), hub=Hub(publish_ns=50_000, delivery_ns=10_000)))
    wire.send("a", None, 100)
    wire.send("b", "c", 100)
    assert wire.arrivals() == [("b", 1_060, 0), ("c", 1_070, 0), ("c", 1_130, 0)]


def test_a_hub_owes_what_is_less_than_a_microsecond_and_pays_it() -> None:
    wire = Wire(Network(Link(mean_us=0), hub=Hub(publish_ns=250, delivery_ns=0)))
    wire.send("a", "b", 10, 8)
    assert [time_us for _, time_us, _ in wire.arrivals()] == [0, 0, 0, 1, 1, 1, 1, 2]


def test_a_thousand_messages_at_a_hundred_milliseconds_arrive_after_a_hundred_milliseconds() -> None:
    wire = Wire(Network(Link(mean_us=100_000), hub=Hub(publish_ns=1_000, delivery_ns=1_000)))
    wire.send("a", "b", 100, 1_000)
    times = [time_us for _, time_us, _ in wire.arrivals()]
    assert len(times) == 1_000 and times[0] == 100_002 and times[-1] == 102_000


def test_lines_bound_what_leaves_and_what_arrives() -> None:
    up = Wire(Network(Link(mean_us=0), lines={"a": Line(up_bits_per_s=8_000_000)}))
    up.send("a", None, 1_000, 2)
    assert up.arrivals() == [("b", 1_000, 0), ("c", 1_000, 0), ("b", 2_000, 1), ("c", 2_000, 1)]
    down = Wire(Network(Link(mean_us=500), lines={"*": Line(down_bits_per_s=8_000_000)}))
    down.send("a", None, 1_000)
    down.send("b", "c", 1_000)
    assert sorted(down.arrivals()) == [("b", 1_500, 0), ("c", 1_500, 0), ("c", 2_500, 0)]


def test_full_queues_drop_and_count() -> None:
    line = Wire(Network(Link(mean_us=0), lines={"a": Line(up_bits_per_s=8_000, queue_bytes=2_000)}))
    line.send("a", "b", 1_000, 5)
    assert [number for _, _, number in line.arrivals()] == [0, 1]
    hub = Wire(Network(Link(mean_us=0), hub=Hub(publish_ns=1_000_000, queue_bytes=2_000)))
    hub.send("a", "b", 1_000, 5)
    assert [number for _, _, number in hub.arrivals()] == [0, 1, 2] and hub.bus.dropped == 2


def test_a_dead_broker_takes_what_waits_with_it() -> None:
    wire = Wire(Network(Link(mean_us=0), hub=Hub(publish_ns=1_000_000)))
    wire.send("a", "b", 10, 3)
    wire.clock.push(1_500, Due(lambda: setattr(wire.bus, "is_broker_up", False)))
    assert [number for _, _, number in wire.arrivals()] == [0]


def test_a_partition_is_between_members_and_the_hub_is_on_neither_side() -> None:
    wire = Wire(Network(Link(mean_us=10), hub=Hub()))
    wire.bus.partition([("a", "b")], [])
    wire.send("a", None, 10)
    wire.send("c", None, 10)
    assert wire.arrivals() == [("b", 10, 0)]


def test_only_a_network_that_needs_it_takes_this_road() -> None:
    plain = (Network(), Network(Link("pareto", shape=2.0)), Network(matrix="aws-2021", regions={"*": "sa-east-1"}))
    assert not any(needs_hub(network) for network in plain)
    needing: list[dict[str, Any]] = [
        {"hub": Hub()},
        {"lines": {"a": Line(5)}},
        {"links": {"a>b": Link(in_order=True)}},
        {"changes": (LinkChange(0, {"in_order": True}),)},
    ]
    assert all(needs_hub(Network(**fields)) for fields in needing)


def consortium(network: Network) -> Scenario:
    members = tuple(MemberSpec(f"h{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(4))
    options = {"transactions": 24, "interval_us": 100_000, "persons": 5}
    workload = Workload("settlement_load", options)
    return Scenario(
        "hubs", members, suite="keyed-hash", network=network, workload=workload, stop=Stop(True, 60_000_000)
    )


def first_execution_us(network: Network) -> int:
    run = simulate(consortium(network))
    assert run.is_done
    return next(record["t_us"] for record in run.trace if record["kind"] == "executed" and record["height"] == 1)  # type: ignore[no-any-return]


def test_a_free_hub_changes_nothing_and_a_dear_one_delays_every_step() -> None:
    plain = first_execution_us(Network())
    assert first_execution_us(Network(hub=Hub())) == plain
    assert first_execution_us(Network(hub=Hub(publish_ns=1_000_000))) > plain + 4_000


def test_a_change_of_the_network_is_in_the_trace_and_slows_what_comes_after_it() -> None:
    run = simulate(consortium(Network(changes=(LinkChange(200_000, {"mean_us": 40_000}, to_us=400_000),))))
    told = [record["t_us"] for record in run.trace if record["kind"] == "fault" and record["act"] == "network"]
    assert run.is_done and told == [200_000, 400_000]
    latencies = [(record["t_us"], record["latency_us"]) for record in run.trace if record["kind"] == "included"]
    slow = [latency_us for t_us, latency_us in latencies if 240_000 < t_us < 420_000]
    fast = [latency_us for t_us, latency_us in latencies if t_us < 200_000]
    assert slow and min(slow) > 80_000 and fast and max(fast) < 20_000
