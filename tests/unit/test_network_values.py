"""What a network may say, and what its links then do."""

import json
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from consortium.scenario.load import ScenarioError, apply_sets, check_scenario, load_scenario
from consortium.scenario.network.distributions import load_distributions
from consortium.scenario.network.model import LinkModel, NetworkModel, as_local_processes, change_times_us
from consortium.scenario.network.pipe import Pipe
from consortium.scenario.network.regions import MATRICES, Placement
from consortium.scenario.scenario import Hub, Line, Link, LinkChange, MemberSpec, Network, Scenario

NAMES = ("a", "b", "c", "d")


def scenario(network: Network) -> Scenario:
    return Scenario("net", tuple(MemberSpec(name, "hospital") for name in NAMES), network=network)


def draws(link: Link, count: int, sender: str = "a") -> list[int]:
    model = LinkModel(link, 7, sender, "b")
    return [delay for _ in range(count) for delay in model.delays_us()]


def test_the_draws_of_the_old_distributions_are_those_they_always_were() -> None:
    assert draws(Link(mean_us=250), 3) == [250, 250, 250]
    assert draws(Link("normal", 250_000, 50_000), 4) == [259_091, 305_136, 268_033, 204_477]
    assert draws(Link("lognormal", 250_000, 50_000), 4) == [254_134, 304_977, 263_296, 204_699]


def test_a_pareto_delay_keeps_its_minimum_and_its_mean() -> None:
    by_mean = draws(Link("pareto", 30_000, shape=3.0), 20_000)
    assert min(by_mean) >= 20_000 and abs(sum(by_mean) / len(by_mean) - 30_000) < 1_000
    by_minimum = draws(Link("pareto", minimum_us=20_000, shape=3.0), 20_000)
    assert by_minimum == by_mean
    assert sum(delay > 40_000 for delay in by_mean) / len(by_mean) == pytest.approx(1 / 8, rel=0.1)
    assert max(draws(Link("pareto", minimum_us=1_000, shape=0.01), 2_000)) <= 1 << 50


def test_samples_out_of_a_file_become_part_of_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "pings.csv").write_text("ms\n12.5\n30\n\n0.25\n")
    (tmp_path / "net.py").write_text(
        "from consortium.scenario.scenario import *\n"
        "SCENARIO = Scenario('net', (MemberSpec('a', 'hospital'),), network=Network("
        "Link('empirical', file='pings.csv'), changes=(LinkChange(5, {'distribution': 'empirical', "
        "'file': 'pings.csv'}),)))\n"
    )
    loaded = load_scenario(tmp_path / "net.py")
    assert loaded.network.default.samples_us == (12_500, 30_000, 250) and not loaded.network.default.file
    assert set(draws(loaded.network.default, 100)) == {12_500, 30_000, 250}
    (tmp_path / "pings.csv").unlink()
    (tmp_path / "scenario.json").write_bytes(msgspec.json.encode(loaded))
    again = load_scenario(tmp_path / "scenario.json")
    assert again.network.default == loaded.network.default
    assert list(again.network.changes[0].fields["samples_us"]) == [12_500, 30_000, 250]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot read .*no such file.*relative to the scenario"),
        ("", "expected one column, headed `us` or `ms`"),
        ("us\n", "holds 0 delays"),
        ("seconds\n1\n", "headed `us` or `ms`"),
        ("us,ms\n1,2\n", "one column"),
        ("us\n10\nfast\n", "row 3: 'fast' is no delay in us"),
        ("us\n-1\n", "row 2: '-1' is no delay"),
        ("us\nnan\n", "row 2: 'nan' is no delay"),
    ],
)
def test_a_file_of_samples_that_cannot_be_meant_is_told_with_its_place(
    tmp_path: Path, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "pings.csv").write_text(content)
    value = scenario(Network(Link("empirical", file="pings.csv")))
    (tmp_path / "scenario.json").write_bytes(msgspec.json.encode(value))
    with pytest.raises(ScenarioError, match=f"(?i)network.default: .*{words}"):
        load_scenario(tmp_path / "scenario.json")


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Network(Link("parreto", shape=2.0)), "did you mean 'pareto'"),
        (Network(Link("pareto")), "shape=0: .*above 0"),
        (Network(Link("pareto", shape=0.9)), "mean above shape 1 only; give minimum_us"),
        (Network(Link("pareto", 5, shape=2.0, minimum_us=3)), "both given"),
        (Network(Link("empirical")), "needs `file`"),
        (Network(Link("normal", samples_us=(1,))), "for distribution 'empirical'"),
        (Network(Link(shape=2.0)), "for distribution 'pareto'"),
        (Network(Link("lognormal", 0, 5)), "needs a mean above 0"),
        (Network(Link(mean_us=-1)), "cannot be negative"),
        (Network(links={"a>z": Link()}), "'z' is not known"),
        (Network(lines={"aa": Line()}), "'aa' is not known, did you mean 'a'"),
        (Network(lines={"*": Line(up_bits_per_s=-5)}), r"network.lines.\*.up_bits_per_s=-5"),
        (Network(hub=Hub(publish_ns=-1)), "network.hub.publish_ns=-1"),
        (Network(hub=Hub(region="london")), "needs network.matrix"),
        (Network(regions={"a": "london"}), "needs network.matrix: one of aws-2021, ibm-2024"),
        (Network(matrix="ibm-2023", regions={"*": "london"}), "did you mean 'ibm-2024'"),
        (Network(matrix="ibm-2024", regions={"*": "londn"}), "did you mean 'london'"),
        (Network(matrix="ibm-2024", regions={"a": "london"}), "'b' has no region"),
        (Network(machines="two"), "network.machines"),
        (Network(changes=(LinkChange(5, {}),)), "say what changes"),
        (Network(changes=(LinkChange(5, {"mean": 5}),)), "did you mean 'mean_us'"),
        (Network(changes=(LinkChange(5, {"mean_us": "slow"}),)), r"changes.0.fields: .*int"),
        (Network(changes=(LinkChange(5, {"mean_us": 5}, to_us=5),)), "at_us < to_us"),
        (Network(changes=(LinkChange(5, {"loss_ppm": 2_000_000}),)), "at most 1000000"),
        (Network(changes=(LinkChange(5, {"mean_us": 5}, ("a>q",)),)), "'q' is not known"),
    ],
)
def test_a_network_that_cannot_be_meant_is_told_in_a_sentence(network: Network, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        check_scenario(scenario(network))


def test_a_network_that_can_be_meant_passes() -> None:
    check_scenario(
        scenario(
            Network(
                Link("lognormal", 20_000, 4_000, in_order=True),
                lines={"*": Line(10_000_000, 50_000_000, 100_000)},
                hub=Hub(publish_ns=50_000, delivery_ns=5_000, region="london"),
                matrix="ibm-2024",
                regions={"a": "tokyo", "*": "london, frankfurt"},
                changes=(LinkChange(1_000_000, {"distribution": "pareto", "shape": 2.5}, ("a>*",), 2_000_000),),
                machines="each",
            )
        )
    )
    assert set(load_distributions()) == {"constant", "normal", "lognormal", "pareto", "empirical"}


def test_settings_by_hand_reach_lines_hub_and_links_that_were_not_there() -> None:
    sets = ["network.hub.publish_ns=5", "network.lines.a.up_bits_per_s=9", "network.links.a>b.mean_us=3"]
    network = apply_sets(scenario(Network()), sets).network
    assert network.hub == Hub(publish_ns=5) and network.lines["a"].up_bits_per_s == 9
    assert network.links["a>b"].mean_us == 3
    with pytest.raises(ScenarioError, match="did you mean 'publish_ns'"):
        apply_sets(scenario(Network()), ["network.hub.publsh_ns=5"])


# --- regions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(MATRICES))
def test_a_published_matrix_is_whole_and_possible(name: str) -> None:
    matrix = MATRICES[name]
    size = len(matrix.regions)
    assert len(set(matrix.regions)) == size and [len(row) for row in matrix.rtt_us] == [size] * size
    assert matrix.source and matrix.measured
    for i, row in enumerate(matrix.rtt_us):
        for j, rtt_us in enumerate(row):
            assert rtt_us is None or (rtt_us > 0 and i != j) or rtt_us < 1_000
            back = matrix.rtt_us[j][i]
            assert (rtt_us is None) == (back is None)
            if rtt_us is not None and back is not None:
                assert abs(rtt_us - back) <= max(1_000, 0.03 * rtt_us), f"{matrix.regions[i]} and {matrix.regions[j]}"


def test_half_the_published_round_trip_is_one_way_and_the_two_ways_may_differ() -> None:
    network = Network(Link(loss_ppm=9), matrix="ibm-2024", regions={"*": "osaka,frankfurt"}, jitter_ppm=20_000)
    model = NetworkModel(network, 1, NAMES)
    there, back = model.spec("a", "b"), model.spec("b", "a")
    assert (there.mean_us, there.deviation_us, there.distribution) == (122_500, 2_450, "lognormal")
    assert back.mean_us == 121_000 and there.loss_ppm == 9
    assert model.spec("a", "c") == network.default, "the table says nothing of one region with itself"
    aws = NetworkModel(Network(matrix="aws-2021", regions={"*": "sa-east-1"}), 1, NAMES)
    assert aws.spec("a", "b").mean_us == 162


def test_a_hub_in_a_region_stands_on_every_path() -> None:
    regions = {"a": "tokyo", "b": "london", "c": "tokyo", "d": "london"}
    model = NetworkModel(Network(matrix="ibm-2024", regions=regions, hub=Hub(region="london")), 1, NAMES)
    assert model.to_hub_us("a") == 246_000 // 2
    assert model.spec("a", "c").mean_us == 247_000 // 2, "from London to Tokyo, though both are in Tokyo"
    assert Placement(Network(), NAMES).to_hub_us("a") == 0


# --- streams and changes ---------------------------------------------------------------------------------------------


def test_loss_on_one_link_reshuffles_no_other() -> None:
    plain = Network(Link("lognormal", 20_000, 5_000))
    lossy = replace(plain, links={"a>b": Link("lognormal", 20_000, 5_000, loss_ppm=300_000, duplicate_ppm=100_000)})

    def told(network: Network) -> dict[str, list[tuple[int, ...]]]:
        model = NetworkModel(network, 3, NAMES)
        pairs = [(one, other) for one in NAMES for other in NAMES if one != other]
        return {f"{one}>{other}": [model.link(one, other).delays_us() for _ in range(50)] for one, other in pairs}

    before, after = told(plain), told(lossy)
    assert [pair for pair in before if before[pair] != after[pair]] == ["a>b"]


def test_changes_hold_from_their_time_to_their_end_and_the_later_wins() -> None:
    changes = (
        LinkChange(1_000, {"mean_us": 50}, to_us=3_000),
        LinkChange(2_000, {"mean_us": 70, "loss_ppm": 5}, ("a>*",), 4_000),
    )
    model = NetworkModel(Network(changes=changes), 1, NAMES)
    link = model.link("a", "b")

    def means_at(time_us: int) -> tuple[int, int]:
        model.turn_to(time_us)
        return link.delays_us()[0], model.spec("b", "a").mean_us

    times = (0, 999, 1_000, 2_000, 3_000, 4_000)
    assert [means_at(time_us) for time_us in times] == [
        (1_000, 1_000), (1_000, 1_000), (50, 50), (70, 50), (70, 1_000), (1_000, 1_000),
    ]  # fmt: skip
    assert change_times_us(model.network) == [1_000, 2_000, 3_000, 4_000]
    assert not model.turn_to(5_000), "nothing changes any more"


def test_a_calm_after_a_fault_leaves_the_scenarios_own_changes() -> None:
    model = NetworkModel(Network(changes=(LinkChange(0, {"mean_us": 50}),)), 1, NAMES)
    model.turn_to(0)
    model.change(("a>b",), {"mean_us": 90})
    assert model.link("a", "b").delays_us() == (90,)
    model.calm()
    assert model.link("a", "b").delays_us() == (50,)


def test_a_link_that_keeps_its_order_lets_none_overtake() -> None:
    loose, strict = (LinkModel(Link("normal", 20_000, 8_000, in_order=kept), 1, "a", "b") for kept in (False, True))
    free = [loose.arrivals_us(100 * index)[0] for index in range(500)]
    kept = [strict.arrivals_us(100 * index)[0] for index in range(500)]
    assert free != sorted(free) and kept == sorted(kept)
    assert all(late >= early for late, early in zip(kept, free, strict=True))


def test_a_pipe_sends_one_whole_message_after_another_and_drops_what_finds_its_queue_full() -> None:
    pipe = Pipe(8_000_000, 2_500)  # a byte a microsecond
    assert [pipe.leaves_us(0, 1_000) for _ in range(4)] == [1_000, 2_000, 3_000, None]
    assert pipe.dropped == 1
    assert pipe.leaves_us(600, 1_000) == 4_000, "there is room again"
    assert pipe.leaves_us(9_000, 100_000) == 109_000, "an idle line takes any size"
    assert Pipe(0, 1).leaves_us(5, 1 << 40) == 5


def test_local_processes_have_the_network_that_is_applied_there() -> None:
    network = Network(Link(mean_us=9), hub=Hub(), in_real_runs=True, machines="each")
    assert as_local_processes(network) == Network(Link(mean_us=9), in_real_runs=True)
    placed = replace(network, hub=Hub(publish_ns=5, region="london"))
    assert as_local_processes(placed).hub == Hub(region="london"), "it is on the way, but costs what it really costs"
    assert as_local_processes(replace(network, in_real_runs=False)) == Network(Link(mean_us=0))


def test_a_scenario_with_a_network_survives_its_json() -> None:
    value = scenario(Network(lines={"a": Line(5)}, hub=Hub(1, 2), changes=(LinkChange(1, {"mean_us": 4}),)))
    assert msgspec.json.decode(msgspec.json.encode(value), type=Scenario) == value
    assert json.loads(msgspec.json.encode(value))["network"]["hub"]["publish_ns"] == 1
