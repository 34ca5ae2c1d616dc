"""What may be wrong with a standing consortium, found from outside; each with what to do about it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from consortium.core.errors import UserError as AnyUserError
from consortium.core.genesis import decode_genesis
from consortium.core.membership import Epoch
from consortium.ledger.block import stored_header
from consortium.ledger.rows import height_key
from consortium.runs.run import head_height, ledger_epochs
from nodes.broker.broker import is_port_free
from nodes.deploy.authority import DUE_DAYS
from nodes.deploy.look import NodeLook, answers, speaks_tls
from nodes.deploy.running import ProgramState, gateway_of
from nodes.deploy.standing import Standing, last_words
from nodes.deploy.tending import find_due
from nodes.errors import Damaged
from nodes.process.keys import check_private
from nodes.process.room import room_bytes
from nodes.process.settings import NodeFolder
from nodes.process.standing_orders import read_orders
from nodes.process.store import SqliteRows

ROOM_BYTES_MIN = 500_000_000
BEHIND_MAX = 4  # blocks: a node may be some behind while there is work
SKEW_S_MAX = 5.0


class Finding(NamedTuple):
    """`what` was looked at, what `words` say of it, and the `remedy`, where something is wrong: empty where not."""

    what: str
    words: str
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        return not self.remedy


def examine(standing: Standing) -> list[Finding]:
    """All that can be told, in the order in which one looks."""
    found = standing.look()
    parts: Sequence[Callable[[], Iterator[Finding]]] = (
        lambda: _files(standing),
        lambda: _room(standing),
        lambda: _certificates(standing),
        lambda: _clock(standing),
        lambda: _supervisor(standing),
        lambda: _brokers(standing),
        lambda: _nodes(standing, found),
        lambda: _quorum(standing, found),
        lambda: _heads(found),
        lambda: _gateways(standing),
    )
    findings: list[Finding] = []
    for part in parts:
        findings += part()
    return findings


# --- files ----------------------------------------------------------------------------------------------------------


def _files(standing: Standing) -> Iterator[Finding]:
    """What is secret, and what a node reads at its start."""
    wrong = []
    for name in standing.deployment.members:
        wrong += _faults_of(standing.node(name))
    for path in (standing.folder / "authority", *(standing.folder / each.name for each in standing.deployment.brokers)):
        if path.is_dir():
            wrong += _private_faults([path])
    for words in wrong:
        yield Finding("files", words, "see the sentence")
    if not wrong:
        yield Finding("files", "keys and settings are there, for their owner alone")


def _faults_of(folder: NodeFolder) -> list[str]:
    secrets = [folder.keys, *sorted(folder.keys.glob("*.key")), folder.settings, folder.input]
    for more in (folder.folder / "tls", folder.folder / "gateway"):
        if more.is_dir():
            secrets += [more, *sorted(more.glob("*.key")), *sorted(more.glob("*.token"))]
    return _private_faults(secrets)


def _private_faults(paths: Sequence[Path]) -> list[str]:
    wrong = []
    for path in paths:
        try:
            check_private(path)
        except AnyUserError as error:
            wrong.append(str(error))
    return wrong


def _room(standing: Standing) -> Iterator[Finding]:
    """Of each disk that is there: a node's folder may lie on one of its own."""
    folders = [standing.folder, *(standing.node(name).folder for name in standing.deployment.members)]
    for folder in {each.stat().st_dev: each for each in reversed(folders) if each.is_dir()}.values():
        free = room_bytes(folder)
        words = f"{free // 1_000_000} MB are free below {folder}"
        remedy = "make room: a node whose disk takes nothing more stops, and starts again when there is room"
        yield Finding("disk room", words, remedy if free < ROOM_BYTES_MIN else "")


def _certificates(standing: Standing) -> Iterator[Finding]:
    due = find_due(standing)
    for each in due:
        yield Finding("certificates", str(each), f"`consortium certificate rotate {each.name}`; `up` does it, too")
    if not due:
        yield Finding("certificates", f"all hold for more than {DUE_DAYS} days")


def _clock(standing: Standing) -> Iterator[Finding]:
    """The clock of this machine against the time of the newest block, and bends that were made by hand."""
    bent = [name for name in standing.deployment.members if _orders(standing, name).get("clock")]
    for name in bent:
        yield Finding("clock", f"that of {name} was bent by hand", "`consortium down`, then `consortium up`")
    ahead_s = _head_time_us(standing) / 1e6 - time.time()
    if ahead_s > SKEW_S_MAX:
        words = f"the newest block is {ahead_s:.0f} s ahead of this machine's clock"
        yield Finding("clock", words, "set the clock: it was put back, or the data come from another machine")
    elif not bent:
        yield Finding("clock", "this machine's clock is not behind the chain")


def _orders(standing: Standing, name: str) -> dict[str, object]:
    try:
        return read_orders(standing.node(name))
    except AnyUserError:
        return {}


def _head_time_us(standing: Standing) -> int:
    times = [0]
    for rows in _ledgers(standing):
        height = head_height(rows)
        if (raw := rows.get("block", height_key(height))) is not None:
            times.append(stored_header(raw, height).time_us)
    return max(times)


def _ledgers(standing: Standing) -> Iterator[SqliteRows]:
    """Those that can be read, one after another."""
    for name in standing.deployment.members:
        with (
            contextlib.suppress(AnyUserError, Damaged, OSError),
            contextlib.closing(SqliteRows(standing.node(name).ledger, read_only=True)) as rows,
        ):
            yield rows


# --- processes ------------------------------------------------------------------------------------------------------


def _supervisor(standing: Standing) -> Iterator[Finding]:
    if standing.running.is_up:
        yield Finding("supervisor", "it is up")
    else:
        yield Finding("supervisor", "the consortium is down", "`consortium up`")


def _brokers(standing: Standing) -> Iterator[Finding]:
    is_up, states = standing.running.is_up, standing.running.states()
    for broker in standing.deployment.brokers:
        place = f"{broker.name} at {broker.host}:{broker.port}"
        if not is_up and standing.deployment.how == "local":
            if is_port_free(broker.port):
                yield Finding("broker", f"{place}: its port is free")
            else:
                yield Finding("broker", f"{place}: another program has its port", "`ss -ltnp` names it: end it")
        elif is_up:
            state = states.get(broker.name)
            if state is None or not state.is_alive:
                yield Finding("broker", f"{place} is {_word(state)}", f"`consortium restart {broker.name}`")
            elif standing.deployment.how == "local" and not answers(broker.host, broker.port):
                yield Finding("broker", f"{place} does not answer", f"`consortium logs {broker.name}`")
            else:
                yield Finding("broker", f"{place} answers")


def _word(state: ProgramState | None) -> str:
    return "down" if state is None else state.state


def _nodes(standing: Standing, found: Sequence[NodeLook]) -> Iterator[Finding]:
    for each in found:
        if each.deaf_to:
            words = f"hears nothing of {', '.join(each.deaf_to)}, by an order"
            yield Finding(each.name, words, "`consortium heal`")
        if each.is_serving:
            yield Finding(each.name, f"serves, at height {each.height} in view {each.view}")
        elif standing.running.is_up:
            yield Finding(each.name, *_trouble(standing, each))


def _trouble(standing: Standing, each: NodeLook) -> tuple[str, str]:
    """What ails a node, and what to do."""
    match each.state:
        case "stopped":
            return "was taken down by hand", f"`consortium restart {each.name}`"
        case "paused":
            return "stands still", f"`consortium resume {each.name}`"
        case "running" | "starting" if each.view >= 0:
            return f"runs, and its bus is {each.bus}", "look at the brokers above, and at the certificates"
        case "running" | "starting" if each.since_s < 15:
            return "is starting", "wait a moment, and look again"
    said = last_words(standing, each.name)
    return (
        f"is {each.state}; it said last: {said}",
        f"`consortium logs {each.name}`, then `consortium restart {each.name}`",
    )


def _quorum(standing: Standing, found: Sequence[NodeLook]) -> Iterator[Finding]:
    epoch = _epoch(standing)
    serving = sum(each.is_serving for each in found if each.name in epoch.validators)
    words = f"{serving} of {epoch.n} validators serve, and {epoch.quorum} are needed"
    if serving < epoch.quorum:
        yield Finding("quorum", words, "bring back those that are down: nothing is executed until then")
    else:
        yield Finding("quorum", words)


def _epoch(standing: Standing) -> Epoch:
    """The newest that a ledger knows; the first, where none can be read."""
    genesis = decode_genesis((standing.folder / "genesis.json").read_bytes())
    known = [ledger_epochs(genesis, rows).newest for rows in _ledgers(standing)]
    return max(known, key=lambda epoch: epoch.number, default=genesis.first_epoch)


def _heads(found: Sequence[NodeLook]) -> Iterator[Finding]:
    serving = [each for each in found if each.is_serving]
    if not serving:
        return
    top = max(each.height for each in serving)
    late = [each for each in serving if each.height < top - BEHIND_MAX]
    for each in late:
        words = f"{each.name} is at height {each.height}, and the highest is {top}"
        yield Finding(
            "heads", words, f"wait: it fetches what it lacks. If it stays behind: `consortium logs {each.name}`"
        )
    if not late:
        yield Finding("heads", f"all that serve are at height {top}, or just below")


def _gateways(standing: Standing) -> Iterator[Finding]:
    states = standing.running.states()
    for name, place in standing.deployment.gateways.items():
        words = f"that of {name} at {place.host}:{place.port}"
        state = states.get(gateway_of(name))
        if state is None or not state.is_alive:
            if states:
                yield Finding("gateway", f"{words} is {_word(state)}", f"`consortium logs {name} --gateway`")
        elif speaks_tls(standing.folder, place):
            yield Finding("gateway", f"{words} answers")
        else:
            yield Finding("gateway", f"{words} does not answer", f"`consortium logs {name} --gateway`")
