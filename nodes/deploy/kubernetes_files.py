"""`python -m nodes.deploy.kubernetes_files DIR`: a new consortium in DIR, as manifests in DIR/kubernetes.

Nothing is started. consortium.yaml says what runs; private.yaml (mode 0600) holds each program's folder with its keys.
"""

from __future__ import annotations

import argparse
import base64
import io
import sys
import tarfile
from pathlib import Path
from typing import Any

import yaml

from consortium.core.errors import UserError as AnyUserError
from consortium.runs.folder import write_whole
from consortium.scenario.standing_members import DEFAULT, parse_members
from nodes.deploy.compose import COMMON
from nodes.deploy.deployment import Deployment, is_deployment, read_deployment
from nodes.deploy.kubernetes import ARCHIVE, NAMESPACE, SHARED, gateway_hosts, render
from nodes.deploy.making import make_consortium
from nodes.errors import EXIT_USAGE, UserError
from nodes.process.keys import write_private
from nodes.process.settings import NodeFolder

PARTS = ("consortium.yaml", "private.yaml")


def write_manifests(folder: Path, members: str = DEFAULT, image: str = "consortium") -> Path:
    """The folder of the manifests. Raises UserError where the consortium there has run, or manifests are there."""
    if is_deployment(folder):
        deployment = read_deployment(folder)
    else:
        deployment = make_consortium(folder, parse_members(members), "mosquitto", "docker", gateway_hosts=gateway_hosts)
    if deployment.how != "docker":
        raise UserError(f"{folder} was made for processes of this machine: name another folder")
    for name in deployment.members:
        if NodeFolder(folder, name).ledger.exists():
            raise UserError(
                f"{name} has run out of {folder}: its keys must not run twice. Name a new folder, and take the node's "
                "disk with `consortium backup` and `consortium restore` if it is to move"
            )
    made = folder / "kubernetes"
    if made.exists():
        raise UserError(f"{made} is there already: `kubectl apply -f {made}`, or remove it first")
    made.mkdir(mode=0o700)
    write_whole(made / PARTS[0], render(deployment, image).encode())
    write_private(made / PARTS[1], private_parts(folder, deployment).encode())
    return made


def private_parts(folder: Path, deployment: Deployment) -> str:
    """What all may read, and a Secret for each program: its folder as it was made."""
    shared = {name: (folder / name).read_text(encoding="utf-8") for name in COMMON}
    documents = [_object("ConfigMap", SHARED, {"data": shared})]
    places = {f"node-{name}": NodeFolder(folder, name).folder for name in deployment.members}
    places |= {broker.name: folder / broker.name for broker in deployment.brokers}
    for name, place in places.items():
        packed = base64.b64encode(_packed(place)).decode()
        documents.append(_object("Secret", name, {"type": "Opaque", "data": {ARCHIVE: packed}}))
    return "".join(f"---\n{yaml.safe_dump(each, sort_keys=False)}" for each in documents)


def _packed(folder: Path) -> bytes:
    """Nobody's in particular: whoever unpacks it owns it."""

    def without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        archive.add(folder, arcname=".", filter=without_owner)
    return data.getvalue()


def _object(kind: str, name: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, **content}


def main() -> int:
    """Exit status 2: wrong input, with a sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m nodes.deploy.kubernetes_files", description="A new consortium as manifests for Kubernetes."
    )
    parser.add_argument("folder", type=Path, help="the folder of a new consortium")
    parser.add_argument("--members", default=DEFAULT, metavar="ROLE=NUMBER,…", help="as `consortium up` takes them")
    parser.add_argument("--image", default="consortium", help="the image, as the cluster finds it")
    arguments = parser.parse_args()
    try:
        made = write_manifests(arguments.folder, arguments.members, arguments.image)
    except AnyUserError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    print(f"kubectl apply -f {made}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
