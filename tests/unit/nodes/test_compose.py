"""compose.yaml: valid under the specification, and nobody in it has what it does not need."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from tests.compose_example import EXAMPLE, example, rendered

SCHEMA = Path(__file__).resolve().parents[2] / "fixtures/compose/compose_spec.json"


def services(text: str) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(text)["services"])


def check(content: Any) -> None:
    jsonschema.Draft201909Validator(json.loads(SCHEMA.read_text())).validate(content)


def test_what_is_written_is_valid_under_the_specification() -> None:
    for brokers in (1, 3):
        check(yaml.safe_load(rendered(brokers)))


def test_the_schema_finds_what_is_no_compose_file() -> None:
    content = yaml.safe_load(rendered())
    content["services"]["bureau"]["read_onely"] = True
    try:
        check(content)
    except jsonschema.ValidationError:
        return
    raise AssertionError("a misspelt key was taken")


def test_the_example_is_what_is_written() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == rendered(), "`python -m tests.compose_example` writes it anew"


def test_a_program_sees_its_own_folder_alone_and_writes_nowhere_else() -> None:
    names = example().members
    for name, service in services(rendered()).items():
        member = name.removeprefix("gateway.")
        sources = {volume["source"] for volume in service["volumes"]}
        assert not {f"./nodes/{other}" for other in names if other != member} & sources
        writable = [volume["source"] for volume in service["volumes"] if not volume.get("read_only")]
        assert writable == ([f"./nodes/{member}"] if member in names else [])


def test_every_container_is_bounded_without_rights_and_up_again_when_it_ends() -> None:
    for service in services(rendered(3)).values():
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert {"mem_limit", "pids_limit", "cpus", "healthcheck", "tmpfs"} <= service.keys()
        assert service["restart"] == "unless-stopped"
        assert "environment" not in service, "whoever may inspect a container reads its environment"


def test_organisations_meet_on_the_bus_alone_and_gateways_are_not_on_it() -> None:
    content = yaml.safe_load(rendered())
    assert content["networks"]["bus"]["internal"]
    for name, service in content["services"].items():
        member = name.removeprefix("gateway.")
        own = [f"org-{member}"]
        expected = own if member != name else ["bus"] if name.startswith("broker") else ["bus", *own]
        assert service["networks"] == expected
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
