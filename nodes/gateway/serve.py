"""The server around the application: where it listens, over what, and what a connection may do."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.config import Config

from consortium.core.genesis import Genesis, decode_genesis
from nodes.errors import UserError
from nodes.gateway.app import make_app
from nodes.gateway.connections import limited
from nodes.gateway.gateway import Gateway
from nodes.gateway.settings import GatewayFolder, GatewaySettings, read_gateway_settings
from nodes.process.keys import check_private
from nodes.process.settings import NodeFolder

KEEP_ALIVE_S = 30
STOP_S = 10
HEADERS = [("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")]


def serve(node: NodeFolder) -> None:
    """Until SIGTERM. Raises UserError, OSError."""
    if not node.folder.is_dir():
        raise UserError(f"{node.folder} does not exist: name the folder of a consortium and a node in it")
    folder = GatewayFolder(node)
    folder.make()
    settings = read_gateway_settings(folder.settings)
    gateway = Gateway(read_genesis(node.run / "genesis.json"), folder, settings)
    server = GatewayServer(server_config(gateway, folder, settings), gateway)
    server.run()
    if not server.started:
        raise UserError(f"{settings.host}:{settings.port} cannot be listened at: is it taken?")


class GatewayServer(uvicorn.Server):
    """The page's streams end with it: a page that follows would hold it up."""

    def __init__(self, config: Config, gateway: Gateway) -> None:
        super().__init__(config)
        self._gateway = gateway

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._gateway.on_end()
        await super().shutdown(sockets)


def server_config(gateway: Gateway, folder: GatewayFolder, settings: GatewaySettings) -> Config:
    """Raises UserError where there is no certificate and plain HTTP is not allowed."""
    config = Config(
        make_app(gateway),
        host=settings.host,
        port=settings.port,
        http=limited(settings),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        headers=HEADERS,
        backlog=settings.connections_max,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        h11_max_incomplete_event_size=settings.head_bytes_max,
        **_certificate(folder, settings),
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config


def _certificate(folder: GatewayFolder, settings: GatewaySettings) -> dict[str, Any]:
    if settings.plain_http:
        return {}
    if not folder.certificate.is_file():
        raise UserError(
            f"{folder.certificate} is missing: give the gateway a certificate, or say plain_http in {folder.settings} "
            "where it listens on the loopback address alone"
        )
    check_private(folder.certificate_key)
    return {"ssl_certfile": folder.certificate, "ssl_keyfile": folder.certificate_key}


def read_genesis(path: Path) -> Genesis:
    """Raises UserError."""
    try:
        return decode_genesis(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path} is missing: it is no folder of a consortium") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
