"""The example in docker/compose.yaml: what seven members in containers are written as.

`python -m tests.compose_example` writes it anew."""

from pathlib import Path

from consortium.scenario.standing_members import DEFAULT, parse_members
from nodes.deploy.compose import render
from nodes.deploy.deployment import FORMAT, BrokerPlace, Deployment, GatewayPlace

EXAMPLE = Path(__file__).resolve().parent.parent / "docker" / "compose.yaml"


def example(brokers: int = 1) -> Deployment:
    names = tuple(member.name for member in parse_members(DEFAULT))
    places = tuple(BrokerPlace(f"broker-{n}", "mosquitto", f"broker-{n}", 8883) for n in range(1, brokers + 1))
    gateways = {name: GatewayPlace("127.0.0.1", 8441 + place) for place, name in enumerate(names)}
    return Deployment(FORMAT, "0", "docker", names, places, gateways)


def rendered(brokers: int = 1) -> str:
    return render(example(brokers), "consortium-example", "consortium", "10001:10001")


if __name__ == "__main__":
    EXAMPLE.write_text(rendered(), encoding="utf-8")
