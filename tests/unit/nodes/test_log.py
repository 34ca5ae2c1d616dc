"""What processes say: a line a record, levels that change while they run, ids of transactions, nothing private."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from consortium.core.machine import Apply
from consortium.ledger.rows import height_key
from nodes.deploy.compose import render
from nodes.deploy.deployment import BrokerPlace, Deployment, GatewayPlace
from nodes.deploy.local import programs_of
from nodes.process.log import OURS, JsonLine, TextLine, about, follow_level, level_now, say_executed, set_level
from tests.gateway_kit import TOKENS, claim, make_folder, served

ID = bytes(range(32))


@pytest.fixture(autouse=True)
def _levels_as_before() -> Iterator[None]:
    held = {name: logging.getLogger(name).level for name in OURS}
    yield
    for name, level in held.items():
        logging.getLogger(name).setLevel(level)


def record(text: str, *words: object, **fields: Any) -> logging.LogRecord:
    return logging.getLogger("node").makeRecord("node", logging.INFO, "f", 1, text, words, None, extra=fields)


def test_a_line_of_json_is_one_object_whatever_is_said() -> None:
    line = JsonLine("node", "bureau").format(record("said: %s", 'two\nlines "and" more', **about(ID)))
    assert "\n" not in line
    told = json.loads(line)
    assert list(told) == ["time", "level", "program", "node", "log", "text", "transaction"]
    assert told["text"] == 'said: two\nlines "and" more'
    assert (told["program"], told["node"], told["transaction"]) == ("node", "bureau", ID.hex())


def test_an_exception_is_in_its_line() -> None:
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        made = record("an internal error")
        made.exc_info = sys.exc_info()
    line = JsonLine("node", "bureau").format(made)
    assert "\n" not in line
    assert "ZeroDivisionError" in json.loads(line)["exception"]


def test_a_line_of_text_ends_with_the_transaction_of_which_it_speaks() -> None:
    assert TextLine().format(record("executed", **about(ID))).endswith(f"executed [transaction {ID.hex()}]")
    assert TextLine().format(record("starting")).endswith("INFO node: starting")


def test_the_level_of_our_lines_changes_and_that_of_libraries_does_not() -> None:
    before = logging.getLogger("asyncio").getEffectiveLevel()
    set_level("debug")
    assert (level_now(), logging.getLogger("gateway").isEnabledFor(logging.DEBUG)) == ("debug", True)
    assert logging.getLogger("asyncio").getEffectiveLevel() == before
    follow_level("error")
    follow_level("loud")
    follow_level(None)
    assert level_now() == "error"


@pytest.mark.parametrize("module", ["nodes", "nodes.gateway"])
def test_both_programs_speak_json_where_they_are_told_to(module: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "run").folder
    (folder / "gateway").rename(folder / "elsewhere")
    (folder / "gateway").write_bytes(b"")  # a folder of the gateway, or a lock of the node, that cannot be made
    (folder / "lock").mkdir()
    words = [sys.executable, "-m", module, str(tmp_path / "run"), "hospital-1", "--log-format", "json"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode in (70, 74), ended.stderr
    told = json.loads(ended.stderr.splitlines()[-1])
    assert (told["level"], told["node"], told["program"]) == ("error", "hospital-1", module.split(".")[-1].rstrip("s"))


def test_all_programs_of_a_consortium_are_told_how_to_write(tmp_path: Path) -> None:
    brokers = (BrokerPlace("broker-1", "mosquitto", "127.0.0.1", 1),)
    plain = Deployment(1, "0", "local", ("a", "b"), brokers, {"a": GatewayPlace("127.0.0.1", 2)})
    told = msgspec.structs.replace(plain, log_format="json")
    for deployment, count in ((plain, 0), (told, 3)):
        commands = [program.command for program in programs_of(tmp_path, deployment) if program.name[-1] in "ab"]
        assert sum("json" in command for command in commands) == count
        services = yaml.safe_load(render(deployment, "stem", "image", "1:1"))["services"]
        assert sum("json" in service["command"] for service in services.values()) == count


async def test_at_debug_the_way_of_a_transaction_is_told_and_nothing_of_what_it_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    set_level("debug")
    async with served(make_folder(tmp_path / "run")) as at:
        set_level("debug")
        answer = await at.claim(1, "a-key-of-idempotency")
        wrong = await at.client.post("/v1/settlement/issue_and_claim", json=claim(2), headers={"Authorization": "x y"})
        mistaken = await at.claim(3, "", "", Authorization="Bearer a-token-of-nobody")
        assert (answer.status_code, wrong.status_code, mistaken.status_code) == (200, 401, 401)
    lines = [TextLine().format(each) for each in caplog.records if each.name in OURS]
    own = [line for line in lines if answer.json()["transaction"] in line]
    stages = [line.split("gateway: ")[1].split(" [")[0] for line in own]
    assert stages[:3] == ["received", "taken", "executed"]
    told = "\n".join(lines)
    for secret in (*TOKENS.values(), "a-token-of-nobody", "a-key-of-idempotency", *_words_of(claim(1))):
        assert secret not in told, secret


def _words_of(arguments: Any) -> list[str]:
    """Texts and numbers of arguments that are long enough to mean anything."""
    if isinstance(arguments, dict):
        return [word for each in arguments.values() for word in _words_of(each)]
    if isinstance(arguments, list):
        return [word for each in arguments for word in _words_of(each)]
    return [str(arguments)] if len(str(arguments)) > 5 else []


def test_what_is_looked_for_in_the_log_is_something() -> None:
    assert len(_words_of(claim(1))) >= 4


async def test_a_node_tells_each_transaction_of_a_block_at_debug_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(make_folder(tmp_path / "run")) as at:
        answer = (await at.claim(1)).json()
        rows = at.node.rows.range("receipt", height_key(1), height_key(2))
        block = [Apply(1, tuple(("receipt", key, value) for key, value in rows))]
    set_level("info")
    caplog.clear()
    say_executed(block)
    assert not caplog.records
    set_level("debug")
    say_executed(block)
    assert [TextLine().format(each).split("node: ")[1] for each in caplog.records] == [
        f"executed at height 1: ok [transaction {answer['transaction']}]"
    ]
