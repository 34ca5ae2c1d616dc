"""Other ports for a consortium that is down, where other programs have taken those that it was made with."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from msgspec.structs import replace

from nodes.broker.broker import EmbeddedSettings, is_port_free
from nodes.broker.mosquitto import SETTINGS
from nodes.deploy.deployment import BrokerPlace, Deployment, write_deployment
from nodes.deploy.places import free_ports
from nodes.gateway.settings import GatewayFolder, read_gateway_settings, replace_gateway_settings
from nodes.process.keys import read_private, replace_private
from nodes.process.settings import NodeFolder, read_settings, replace_settings


def move_ports(folder: Path, deployment: Deployment) -> Deployment:
    """Give each broker and gateway whose port is taken a free one, in all files that name it. Of containers the ports
    of gateways are those at which the engine publishes them; their brokers have a network of their own."""
    taken = _taken(deployment)
    found = dict(zip(sorted(taken), free_ports(len(taken), _ports(deployment)), strict=True))
    if not found:
        return deployment
    brokers = deployment.brokers
    if deployment.how == "local":
        brokers = tuple(replace(each, port=found.get(each.port, each.port)) for each in brokers)
        for before, after in zip(deployment.brokers, brokers, strict=True):
            if before.port != after.port:
                _move_broker(folder / after.name, before, after.port)
        for name in deployment.members:
            _move_node(NodeFolder(folder, name), found)
    gateways = {name: replace(at, port=found.get(at.port, at.port)) for name, at in deployment.gateways.items()}
    for name, place in gateways.items():
        _move_gateway(GatewayFolder(NodeFolder(folder, name)), place.port)
    moved = replace(deployment, brokers=brokers, gateways=gateways)
    write_deployment(folder, moved)
    return moved


def _ports(deployment: Deployment) -> set[int]:
    brokers = {each.port for each in deployment.brokers} if deployment.how == "local" else set[int]()
    return brokers | {place.port for place in deployment.gateways.values()}


def _taken(deployment: Deployment) -> set[int]:
    return {port for port in _ports(deployment) if not is_port_free(port)}


def _move_broker(folder: Path, before: BrokerPlace, port: int) -> None:
    if before.kind == "embedded":
        path = folder / "settings.json"
        settings = replace(msgspec.json.decode(read_private(path), type=EmbeddedSettings), port=port)
        replace_private(path, msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")
        return
    text = read_private(folder / SETTINGS).decode()
    replace_private(folder / SETTINGS, re.sub(r"(?m)^listener \d+ ", f"listener {port} ", text).encode())


def _move_node(folder: NodeFolder, found: dict[int, int]) -> None:
    settings = read_settings(folder.settings)
    if isinstance(settings.brokers, tuple):
        moved = tuple(each._replace(port=found.get(each.port, each.port)) for each in settings.brokers)
        if moved != settings.brokers:
            replace_settings(folder.settings, replace(settings, brokers=moved))


def _move_gateway(folder: GatewayFolder, port: int) -> None:
    settings = read_gateway_settings(folder.settings)
    if settings.port != port:
        replace_gateway_settings(folder.settings, replace(settings, port=port))
