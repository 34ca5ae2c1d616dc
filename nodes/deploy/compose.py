"""compose.yaml of a standing consortium in containers: written for its members, read by an engine's Compose.

Each organisation has a network of its own, in which its node and gateway are; nodes and brokers meet in another, which
is closed to the outside. A container sees its own folder and what all may read, and nothing of another member."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from nodes.containers.node_container import SEEN
from nodes.deploy.brokers import broker_arguments
from nodes.deploy.deployment import BrokerPlace, Deployment
from nodes.deploy.running import gateway_of

FILE = "compose.yaml"
LABEL = "consortium.standing"  # which consortium a container belongs to
BUS = "bus"
COMMON = ("consortium.json", "genesis.json", "scenario.json", "ca.crt")  # what every member's programs may read
HEALTH = ("CMD", "python", "-P", "-m", "nodes.process.health")

_HEAD = """# Written by `consortium up --docker`, at each start anew: what you change here is lost (docs/containers.md).
# `consortium status`, `logs`, `kill`, … and `down` deal with what runs here, and so does Compose:
#   docker-compose -p {stem} -f compose.yaml ps
"""


def render(deployment: Deployment, stem: str, image: str, user: str) -> str:
    """The file. `stem`: what names of containers and networks begin with. `user`: as whom all run, UID:GID."""
    services: dict[str, Any] = {}
    for broker in deployment.brokers:
        services[broker.name] = _broker(broker)
    for name in deployment.members:
        services[name] = _node(deployment, name)
    for name, place in deployment.gateways.items():
        services[gateway_of(name)] = _gateway(deployment, name, place.port)
    for name, service in services.items():
        services[name] = {**_common(stem, name, image, user), **service}
    networks: dict[str, Any] = {BUS: {"internal": True, "labels": {LABEL: stem}}}
    networks |= {_network(name): {"labels": {LABEL: stem}} for name in deployment.members}
    content = {"services": services, "networks": networks}
    return _HEAD.format(stem=stem) + _dump(content)


def _common(stem: str, name: str, image: str, user: str) -> dict[str, Any]:
    """What holds for every container: no rights, nothing writable but its own, bounded, up again when it ends."""
    return {
        "image": image,
        "pull_policy": "never",
        "container_name": f"{stem}-{name}",
        "labels": {LABEL: stem},
        "user": user,
        "restart": "unless-stopped",
        "stop_grace_period": "30s",
        "read_only": True,
        "tmpfs": ["/tmp"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "pids_limit": 256,
        "cpus": 1.0,
        "mem_limit": "1g",
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
    }


def _node(deployment: Deployment, name: str) -> dict[str, Any]:
    return {
        "command": _python("-m", "nodes", str(SEEN), name, "--supervised", *deployment.node_words),
        "volumes": _member_volumes(name),
        "networks": [BUS, _network(name)],
        "depends_on": [broker.name for broker in deployment.brokers],
        "healthcheck": _health("door", str(SEEN / "nodes" / name / "door")),
    }


def _gateway(deployment: Deployment, name: str, port: int) -> dict[str, Any]:
    """It speaks with its node through a door in their folder, so it is not in the network of the bus."""
    return {
        "command": _python("-m", "nodes.gateway", str(SEEN), name, "--supervised", *deployment.log_words),
        "volumes": _member_volumes(name),
        "networks": [_network(name)],
        "ports": [f"127.0.0.1:{port}:{port}"],
        "depends_on": [name],
        "healthcheck": _health("gateway", str(port), str(SEEN / "ca.crt")),
    }


def _broker(broker: BrokerPlace) -> dict[str, Any]:
    seen = SEEN / broker.name
    return {
        "command": _python(*broker_arguments(seen, broker.kind)),
        "volumes": [_volume(f"./{broker.name}", str(seen))],
        "networks": [BUS],
        "mem_limit": "256m",
        "healthcheck": _health("listens", str(broker.port)),
    }


def _python(*arguments: str) -> list[str]:
    return ["python", "-P", *arguments]


def _member_volumes(name: str) -> list[dict[str, Any]]:
    own = _volume(f"./nodes/{name}", str(SEEN / "nodes" / name), is_writable=True)
    return [own, *(_volume(f"./{file}", str(SEEN / file)) for file in COMMON)]


def _volume(source: str, target: str, *, is_writable: bool = False) -> dict[str, Any]:
    volume: dict[str, Any] = {"type": "bind", "source": source, "target": target}
    return volume if is_writable else {**volume, "read_only": True}


def _network(member: str) -> str:
    return f"org-{member}"


def _health(*words: str) -> dict[str, Any]:
    return {
        "test": [*HEALTH, *words],
        "interval": "60s",
        "timeout": "10s",
        "retries": 3,
        "start_period": "30s",
    }


def _dump(content: Any) -> str:
    return str(yaml.dump(content, Dumper=_Plain, sort_keys=False, width=120, default_flow_style=None))


class _Plain(yaml.SafeDumper):  # type: ignore[misc]
    """Without anchors: each service can be read alone. Lists are indented under their name."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)


def programs(deployment: Deployment) -> Sequence[str]:
    """All services, in the order in which they start."""
    brokers = [broker.name for broker in deployment.brokers]
    return [*brokers, *deployment.members, *map(gateway_of, deployment.gateways)]
