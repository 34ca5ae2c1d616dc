"""Manifests for Kubernetes: valid under the schemas of its interface, strictly, and nobody in them has too much."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from nodes.deploy.authority import Authority, hosts_of
from nodes.deploy.kubernetes import ARCHIVE, MAY_CALL, NAMESPACE, gateway_hosts
from nodes.deploy.kubernetes_files import write_manifests
from nodes.errors import UserError
from nodes.process.settings import NodeFolder
from tests.compose_example import example
from tests.kubernetes_example import EXAMPLE, rendered

FOUR = "bureau=1,hospital=2,regulator=1"
SECRET_BYTES_MAX = 1_000_000


def documents(text: str, kind: str = "") -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(text) if kind in ("", each["kind"])]


def check(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_each_manifest_is_valid() -> None:
    for brokers in (1, 3):
        for document in documents(rendered(brokers)):
            check(document)


def test_a_misspelt_key_is_found() -> None:
    document = documents(rendered(), "StatefulSet")[0]
    document["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        check(document)


def test_the_example_is_what_is_written() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == rendered(), "`python -m tests.kubernetes_example` writes it anew"


def test_no_container_is_root_or_writes_to_its_root() -> None:
    for stateful in documents(rendered(), "StatefulSet"):
        pod = stateful["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
        assert stateful["spec"]["replicas"] == 1
        for container in (*pod["initContainers"], *pod["containers"]):
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] and rights["capabilities"] == {"drop": ["ALL"]}
            assert not rights["allowPrivilegeEscalation"] and container["resources"]["limits"]
            assert "env" not in container
        assert all({"readinessProbe", "livenessProbe", "startupProbe"} <= each.keys() for each in pod["containers"])


def test_a_pod_is_given_its_own_secret_alone() -> None:
    for stateful in documents(rendered(), "StatefulSet"):
        given = [
            each["secret"]["secretName"] for each in stateful["spec"]["template"]["spec"]["volumes"] if "secret" in each
        ]
        name = stateful["metadata"]["name"]
        assert given == [name if name.startswith("broker") else f"node-{name}"]


def test_everything_is_denied_but_the_way_to_brokers_and_who_may_call_a_gateway() -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in documents(rendered(), "NetworkPolicy")}
    assert policies["deny-all"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name in example().members:
        spec = policies[f"member-{name}"]
        assert [way["to"][0]["podSelector"]["matchLabels"] for way in spec["egress"]] == [
            {"consortium/component": "broker"}
        ]
        assert [each["from"][0]["podSelector"]["matchLabels"] for each in spec["ingress"]] == [{MAY_CALL: name}]


def test_a_new_consortium_is_written_and_each_folder_comes_out_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "a place"
    made = write_manifests(folder, FOUR)
    assert (made.stat().st_mode & 0o777, (made / "private.yaml").stat().st_mode & 0o777) == (0o700, 0o600)
    public, private = ((made / name).read_text(encoding="utf-8") for name in ("consortium.yaml", "private.yaml"))
    for document in (*documents(public), *documents(private)):
        check(document)
    secrets = {
        each["metadata"]["name"]: base64.b64decode(each["data"][ARCHIVE]) for each in documents(private, "Secret")
    }
    assert sorted(secrets) == ["broker-1", "node-bureau", "node-hospital-1", "node-hospital-2", "node-regulator"]
    assert max(map(len, secrets.values())) < SECRET_BYTES_MAX
    assert len(yaml.safe_dump(documents(private, "ConfigMap")[0])) < SECRET_BYTES_MAX
    unpack = documents(public, "StatefulSet")[1]["spec"]["template"]["spec"]["initContainers"][0]["command"][3]
    packed, out = tmp_path / "made.tgz", tmp_path / "out"
    packed.write_bytes(secrets["node-bureau"])
    for _ in range(2):  # the second time the folder is there, and stays
        subprocess.run([sys.executable, "-P", "-c", unpack, str(packed), str(out)], check=True)
    own = NodeFolder(folder, "bureau").folder
    found = [{str(path.relative_to(where)): path.stat().st_mode for path in where.rglob("*")} for where in (own, out)]
    assert found[0] == found[1], "what is private stays private"
    assert (out / "settings.json").read_bytes() == (own / "settings.json").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(secrets["node-bureau"])) as archive:
        keys = [name for name in archive.getnames() if name.endswith(".key")]
    assert keys and "PRIVATE" not in public


def test_a_consortium_that_has_run_is_not_written_a_second_time(tmp_path: Path) -> None:
    write_manifests(tmp_path / "c", FOUR)
    NodeFolder(tmp_path / "c", "bureau").ledger.write_bytes(b"")
    with pytest.raises(UserError, match="must not run twice"):
        write_manifests(tmp_path / "c", FOUR)


def test_the_certificate_of_a_gateway_is_for_every_name_by_which_the_cluster_calls_it(tmp_path: Path) -> None:
    write_manifests(tmp_path / "c", FOUR)
    services = {each["metadata"]["name"] for each in documents(rendered(), "Service")}
    for name in ("bureau", "hospital-1"):
        hosts = hosts_of((NodeFolder(tmp_path / "c", name).folder / "tls" / "gateway.crt").read_bytes())
        assert f"gateway-{name}" in services and f"gateway-{name}" in hosts
        assert f"gateway-{name}.{NAMESPACE}.svc.cluster.local" in hosts and "localhost" in hosts
        assert not any("hospital-2" in host for host in hosts)
    authority = Authority.open(tmp_path / "c" / "authority")
    assert authority.issue("bureau", "gateway", gateway_hosts("bureau")), "it may be renewed for them"
    with pytest.raises(UserError, match="may not speak"):
        authority.issue("bureau", "gateway", ["example.org"])
