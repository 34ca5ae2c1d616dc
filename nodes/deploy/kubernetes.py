"""A standing consortium as manifests for Kubernetes: what runs, who may reach whom, and what each is given.

Each node is a StatefulSet of one with a volume of its own, its gateway a second container of the same pod, since they
meet at a Unix socket in that volume. Policies deny everything but a node's way to the brokers, and the way to its
gateway of who bears that organisation's label. It was never on a cluster of ours: docs/operate.md says what was shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from nodes.containers.engine import IMAGE_USER
from nodes.containers.node_container import SEEN
from nodes.deploy.brokers import broker_arguments
from nodes.deploy.compose import COMMON, HEALTH
from nodes.deploy.deployment import BrokerPlace, Deployment

NAMESPACE = "consortium"
SHARED = "consortium"  # the ConfigMap of what all may read
ARCHIVE = "folder.tgz"  # in the Secret of each program: its folder as it was made
NODE, BROKER = "node", "broker"
COMPONENT, MEMBER, MAY_CALL = "consortium/component", "consortium/member", "consortium/may-call"
VOLUME_SIZE = "20Gi"

_UNPACK = """import os, sys, tarfile
os.umask(0o077)
archive, folder = sys.argv[1:]
if not os.path.isdir(folder):
    with tarfile.open(archive) as packed:
        packed.extractall(folder + ".new", filter="data")
    os.rename(folder + ".new", folder)
"""


def gateway_hosts(name: str) -> tuple[str, ...]:
    """By what the gateway of a member is called in its cluster: from its own namespace, from others, in full."""
    service = gateway_service(name)
    return (service, f"{service}.{NAMESPACE}", f"{service}.{NAMESPACE}.svc", f"{service}.{NAMESPACE}.svc.cluster.local")


def gateway_service(name: str) -> str:
    return f"gateway-{name}"


def render(deployment: Deployment, image: str) -> str:
    """All manifests that hold nothing secret, as one file."""
    documents: list[Any] = [_namespace(), *_general_policies()]
    for broker in deployment.brokers:
        documents += [_service(broker.name, BROKER, broker.name, broker.port), _broker(broker, image)]
    for name in deployment.members:
        documents += [_headless(name), _node(deployment, name, image), _member_policy(deployment, name)]
    for name, place in deployment.gateways.items():
        documents.append(_service(gateway_service(name), NODE, name, place.port))
    return "".join(f"---\n{yaml.safe_dump(each, sort_keys=False, width=120)}" for each in documents)


# --- pods -----------------------------------------------------------------------------------------------------------


def _node(deployment: Deployment, name: str, image: str) -> dict[str, Any]:
    own = SEEN / "nodes" / name
    mounts = [_mount("data", str(SEEN / "nodes")), _mount("tmp", "/tmp")]
    mounts += [_mount("shared", str(SEEN / file), sub=file, read_only=True) for file in COMMON]
    words = ("-m", "nodes", str(SEEN), name, "--supervised", *deployment.node_words)
    containers = [_container("node", image, words, mounts, _probes("door", str(own / "door")), memory="1Gi")]
    place = deployment.gateways.get(name)
    if place is not None:
        words = ("-m", "nodes.gateway", str(SEEN), name, "--supervised", *deployment.log_words)
        probes = _probes("gateway", str(place.port), str(SEEN / "ca.crt"))
        ports = [{"name": "https", "containerPort": place.port}]
        containers.append({**_container("gateway", image, words, mounts, probes, memory="512Mi"), "ports": ports})
    volumes = [_archive_volume(f"node-{name}"), {"name": "shared", "configMap": {"name": SHARED}}, _empty("tmp")]
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": VOLUME_SIZE}}},
    }
    first = _unpacking(image, str(own), mounts[:2])
    return _stateful(name, NODE, containers, first, volumes, [claim])


def _broker(broker: BrokerPlace, image: str) -> dict[str, Any]:
    own = SEEN / broker.name
    mounts = [_mount("data", str(SEEN)), _mount("tmp", "/tmp")]
    words = tuple(broker_arguments(own, broker.kind))
    container = _container("broker", image, words, mounts, _probes("listens", str(broker.port)), memory="256Mi")
    container["ports"] = [{"name": "mqtts", "containerPort": broker.port}]
    volumes = [_archive_volume(broker.name), _empty("data"), _empty("tmp")]
    return _stateful(broker.name, BROKER, [container], _unpacking(image, str(own), mounts), volumes, [])


def _stateful(
    name: str,
    component: str,
    containers: Sequence[Any],
    first: Any,
    volumes: Sequence[Any],
    claims: Sequence[Any],
) -> dict[str, Any]:
    """One pod that is never there twice: two nodes with the same keys could vote twice."""
    labels = _labels(component, name)
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": IMAGE_USER,
            "runAsGroup": IMAGE_USER,
            "fsGroup": IMAGE_USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [first],
        "containers": list(containers),
        "volumes": list(volumes),
    }
    spec = {
        "serviceName": name,
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    if claims:
        spec["volumeClaimTemplates"] = list(claims)
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": _metadata(name, labels), "spec": spec}


def _container(
    name: str, image: str, words: Sequence[str], mounts: Sequence[Any], probes: dict[str, Any], memory: str
) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "command": ["python", "-P", *words],
        "securityContext": _RIGHTS,
        "resources": {"requests": {"cpu": "250m", "memory": memory}, "limits": {"memory": memory}},
        "volumeMounts": list(mounts),
        **probes,
    }


_RIGHTS = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def _unpacking(image: str, folder: str, mounts: Sequence[Any]) -> dict[str, Any]:
    """At the first start the program's folder is laid out, with its modes: a mounted Secret cannot be private to a user
    that is not root. A folder that is there stays as it is."""
    return {
        "name": "folder",
        "image": image,
        "command": ["python", "-P", "-c", _UNPACK, f"/made/{ARCHIVE}", folder],
        "securityContext": _RIGHTS,
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
        "volumeMounts": [*mounts, _mount("made", "/made", read_only=True)],
    }


def _probes(*words: str) -> dict[str, Any]:
    """Ready where it serves. It is started anew only after ten minutes: a node whose brokers are away is well."""
    look = {"exec": {"command": [*HEALTH[1:], *words]}, "periodSeconds": 20, "timeoutSeconds": 10}
    return {
        "startupProbe": {**look, "periodSeconds": 5, "failureThreshold": 120},
        "readinessProbe": look,
        "livenessProbe": {**look, "periodSeconds": 60, "failureThreshold": 10},
    }


# --- who may reach whom ---------------------------------------------------------------------------------------------


def _general_policies() -> list[dict[str, Any]]:
    """Nobody reaches anybody; all may ask for names; nodes may be heard by brokers."""
    names = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    brokers = {"matchLabels": {COMPONENT: BROKER}}
    nodes = [{"podSelector": {"matchLabels": {COMPONENT: NODE}}}]
    return [
        _policy("deny-all", {}, {"policyTypes": ["Ingress", "Egress"]}),
        _policy("names", {}, {"policyTypes": ["Egress"], "egress": [{"ports": names}]}),
        _policy("brokers", brokers, {"policyTypes": ["Ingress"], "ingress": [{"from": nodes}]}),
    ]


def _member_policy(deployment: Deployment, name: str) -> dict[str, Any]:
    """Of one organisation: its node may go to the brokers, and its gateway be called by whom it gave its label to."""
    ports = [{"port": port} for port in sorted({broker.port for broker in deployment.brokers})]
    rules: dict[str, Any] = {
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": [{"podSelector": {"matchLabels": {COMPONENT: BROKER}}}], "ports": ports}],
    }
    if name in deployment.gateways:
        callers = {"namespaceSelector": {}, "podSelector": {"matchLabels": {MAY_CALL: name}}}
        rules["ingress"] = [{"from": [callers], "ports": [{"port": deployment.gateways[name].port}]}]
    return _policy(f"member-{name}", {"matchLabels": _labels(NODE, name)}, rules)


def _policy(name: str, selector: dict[str, Any], rules: dict[str, Any]) -> dict[str, Any]:
    spec = {"podSelector": selector, **rules}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(name, {}),
        "spec": spec,
    }


# --- small parts ----------------------------------------------------------------------------------------------------


def _namespace() -> dict[str, Any]:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def _service(name: str, component: str, member: str, port: int) -> dict[str, Any]:
    spec = {"selector": _labels(component, member), "ports": [{"port": port, "targetPort": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(name, {}), "spec": spec}


def _headless(name: str) -> dict[str, Any]:
    """What a StatefulSet is to have; nobody connects to a node."""
    spec = {"clusterIP": "None", "selector": _labels(NODE, name)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(name, {}), "spec": spec}


def _labels(component: str, name: str) -> dict[str, str]:
    return {COMPONENT: component, MEMBER: name}


def _metadata(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "namespace": NAMESPACE, **({"labels": labels} if labels else {})}


def _mount(volume: str, path: str, *, sub: str = "", read_only: bool = False) -> dict[str, Any]:
    mount: dict[str, Any] = {"name": volume, "mountPath": path}
    if sub:
        mount["subPath"] = sub
    return {**mount, "readOnly": True} if read_only else mount


def _archive_volume(secret: str) -> dict[str, Any]:
    return {"name": "made", "secret": {"secretName": secret, "defaultMode": 0o440}}


def _empty(name: str) -> dict[str, Any]:
    return {"name": name, "emptyDir": {"sizeLimit": "64Mi"}}
