"""What a scenario's network may say: a mistake is a sentence that names the place. And samples out of their files."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from consortium.scenario.network.distributions import explain_latency, load_distributions
from consortium.scenario.network.distributions.distribution import SAMPLES_MAX
from consortium.scenario.network.model import PPM
from consortium.scenario.network.regions import MATRICES, Placement
from consortium.scenario.scenario import Link, LinkChange, Network

BITS_PER_S_MAX = 1 << 50
UNITS_US = {"us": 1, "ms": 1_000}
SHARES = ("loss_ppm", "duplicate_ppm", "reorder_ppm")


class NetworkError(ValueError):
    """The network cannot be meant. The sentence says where and what to do."""


def check_network(network: Network, names: Sequence[str]) -> None:
    """`names`: the members, in the scenario's order. Raises NetworkError."""
    for where, link in (("network.default", network.default), *sorted(network.links.items())):
        _check_link(where if where.startswith("network.") else f"network.links.{where}", link)
    check_patterns("network.links", list(network.links), names)
    for name, line in sorted(network.lines.items()):
        if name != "*":
            check_known("network.lines: member", name, names)
        _check_numbers(f"network.lines.{name}", line)
    for index, change in enumerate(network.changes):
        _check_change(f"network.changes.{index}", change, network, names)
    check_known("network.machines", network.machines, ("one", "each"))
    _check_regions(network, names)
    if network.hub is not None:
        _check_numbers("network.hub", network.hub)


def check_known(what: str, value: str, known: Sequence[str]) -> None:
    """Raises NetworkError that names the nearest of the known words."""
    if value not in known:
        raise NetworkError(f"{what}: {value!r} is not known{nearest(value, known)}; known are {', '.join(known)}")


def nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f", did you mean {near[0]!r}?" if near else ""


def check_patterns(where: str, patterns: Sequence[str], names: Sequence[str]) -> None:
    """ "sender>receiver", `*` for any. Raises NetworkError."""
    for pattern in patterns:
        for side in pattern.split(">") if pattern.count(">") == 1 else [pattern, ""]:
            if side != "*":
                check_known(f"{where} {pattern!r}: member", side, list(names))


def _check_link(where: str, link: Link) -> None:
    check_known(f"distribution of {where}", link.distribution, list(load_distributions()))
    numbers = (
        link.mean_us,
        link.deviation_us,
        link.minimum_us,
        link.reorder_us,
        *(getattr(link, key) for key in SHARES),
    )
    if min(numbers) < 0:
        raise NetworkError(f"{where}: delays and probabilities cannot be negative")
    for key in SHARES:
        if getattr(link, key) > PPM:
            raise NetworkError(f"{where}.{key}={getattr(link, key)}: parts per million, at most {PPM}")
    why = explain_latency(link)
    if why is not None:
        raise NetworkError(f"{where}: {why}")


def _check_numbers(where: str, value: msgspec.Struct) -> None:
    for field in value.__struct_fields__:
        number = getattr(value, field)
        if isinstance(number, int) and not 0 <= number <= BITS_PER_S_MAX:
            raise NetworkError(f"{where}.{field}={number}: expected 0 (no bound) or more, at most {BITS_PER_S_MAX}")


def _check_change(where: str, change: LinkChange, network: Network, names: Sequence[str]) -> None:
    if change.at_us < 0 or (change.to_us is not None and change.to_us <= change.at_us):
        raise NetworkError(f"{where}: at_us={change.at_us}, to_us={change.to_us}: expected 0 ≤ at_us < to_us")
    check_patterns(f"{where}.links", change.links, names)
    if not change.fields:
        raise NetworkError(f"{where}.fields is empty: say what changes, as in fields={{'mean_us': 50_000}}")
    for key in change.fields:
        check_known(f"{where}.fields", key, Link.__struct_fields__)
    for link in (network.default, *network.links.values()):
        _check_link(where, _changed(where, change.fields, link))


def _changed(where: str, fields: Mapping[str, Any], link: Link) -> Link:
    tree = {**msgspec.to_builtins(link), **fields}
    try:
        return msgspec.convert(tree, Link)
    except msgspec.ValidationError as error:
        raise NetworkError(f"{where}.fields: {error}") from None


def _check_regions(network: Network, names: Sequence[str]) -> None:
    if network.matrix:
        check_known("network.matrix", network.matrix, list(MATRICES))
    elif network.regions:
        raise NetworkError(f"network.regions needs network.matrix: one of {', '.join(MATRICES)}")
    if not 0 <= network.jitter_ppm <= PPM:
        raise NetworkError(f"network.jitter_ppm={network.jitter_ppm}: parts per million of the delay, 0 to {PPM}")
    known = MATRICES[network.matrix].regions if network.matrix else ()
    for name in network.regions:
        if name != "*":
            check_known("network.regions: member", name, names)
    for name, region in sorted(Placement(network, names).region_of.items()):
        check_known(f"network.regions: the region of {name!r}", region, known)
    if network.hub is not None and network.hub.region:
        if not network.matrix:
            raise NetworkError("network.hub.region needs network.matrix and network.regions")
        check_known("network.hub.region", network.hub.region, known)
    if network.matrix:
        placed = Placement(network, names).region_of
        missing = [name for name in names if name not in placed]
        if missing:
            raise NetworkError(
                f"network.regions: {missing[0]!r} has no region; name it, or put several under '*' for the others to "
                f"take in turn, as in regions={{'*': '{', '.join(known[:2])}'}}"
            )


# --- samples out of files --------------------------------------------------------------------------------------------


def read_samples(network: Network, folder: Path) -> Network:
    """The same network with every `file` read into `samples_us`: what it says no longer depends on files. Raises
    NetworkError."""
    default = _read_link("network.default", network.default, folder)
    links = {pattern: _read_link(f"network.links.{pattern}", link, folder) for pattern, link in network.links.items()}
    changes = tuple(
        replace(change, fields=_read_fields(f"network.changes.{index}", change.fields, folder))
        for index, change in enumerate(network.changes)
    )
    return replace(network, default=default, links=links, changes=changes)


def _read_link(where: str, link: Link, folder: Path) -> Link:
    if not link.file:
        return link
    if link.distribution != "empirical":
        raise NetworkError(
            f"{where}: file={link.file!r} is for distribution 'empirical'; this is {link.distribution!r}"
        )
    return replace(link, samples_us=_samples_us(where, folder / link.file), file="")


def _read_fields(where: str, fields: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    name = fields.get("file")
    if not name:
        return dict(fields)
    read = _samples_us(where, folder / str(name))
    return {**{key: value for key, value in fields.items() if key != "file"}, "samples_us": list(read)}


def _samples_us(where: str, path: Path) -> tuple[int, ...]:
    try:
        rows = [row for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) if any(row)]
    except OSError as error:
        raise NetworkError(
            f"{where}: cannot read {path} ({error.strerror}); it lies relative to the scenario"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise NetworkError(f"{where}: {path} is no CSV file: {error}") from None
    head = rows[0][0].strip().lower() if rows else ""
    if len(rows[0] if rows else ()) != 1 or head not in UNITS_US:
        raise NetworkError(f"{where}: {path}: expected one column, headed `us` or `ms` (the unit of its numbers)")
    if not 1 <= len(rows) - 1 <= SAMPLES_MAX:
        raise NetworkError(f"{where}: {path} holds {len(rows) - 1:,} delays; expected 1 to {SAMPLES_MAX:,}")
    samples = []
    for number, row in enumerate(rows[1:], 2):
        try:
            value_us = round(float(row[0]) * UNITS_US[head])
        except (ValueError, OverflowError):
            value_us = -1
        if value_us < 0 or len(row) != 1:
            raise NetworkError(f"{where}: {path}, row {number}: {','.join(row)!r} is no delay in {head}")
        samples.append(value_us)
    return tuple(samples)
