"""Scenario files: found, read, bent with `--set path=value`, and checked before anything is made.

Every mistake is a `ScenarioError` whose sentence names the place and the mend.
"""

from __future__ import annotations

import runpy
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from consortium.behaviours import load_behaviours
from consortium.contracts import load_contracts
from consortium.core.crypto import SUITES
from consortium.core.errors import UserError
from consortium.core.genesis import Parameters
from consortium.core.identity import NAME_LENGTH_MAX, name_fault
from consortium.core.quorum import faults_max
from consortium.plugins.load import run_scenario
from consortium.protocols import load_protocols
from consortium.roles import load_roles, read_settings
from consortium.scenario.adversary import Adversaries, check_behaviours
from consortium.scenario.arrivals.options import ArrivalsError
from consortium.scenario.arrivals.recorded import read_arrivals
from consortium.scenario.faults import load_acts, read_options
from consortium.scenario.network.check import (
    NetworkError,
    check_known,
    check_network,
    check_patterns,
    nearest,
    read_samples,
)
from consortium.scenario.scenario import (
    BehaviourSpec,
    Disk,
    Fault,
    Hub,
    Line,
    Link,
    LinkChange,
    MemberSpec,
    Network,
    Scenario,
    Stop,
    Workload,
)
from consortium.scenario.workloads.workload import load_workloads

Options = TypeVar("Options", bound=msgspec.Struct)

_STRUCTS: tuple[type[msgspec.Struct], ...] = (
    Scenario,
    MemberSpec,
    Link,
    Line,
    Hub,
    LinkChange,
    Network,
    Workload,
    Fault,
    BehaviourSpec,
    Disk,
    Stop,
    Parameters,
)


_FREE = ("options", "settings", "links", "regions", "lines", "hub", "fields")  # keys of the user's own below these
SEED_MAX = (1 << 63) - 1


class ScenarioError(UserError, ValueError):
    """The scenario cannot be run as it is. The sentence says where and what to do."""


def load_scenario(path: Path, sets: Sequence[str] = (), seed: int | None = None) -> Scenario:
    """The scenario of a .py or .json file with `path=value` settings applied, checked by `check_scenario`."""
    if not path.exists():
        raise ScenarioError(f"there is no scenario {path}: `consortium list` shows those that there are")
    if path.suffix == ".json":
        scenario = _from_json(path)
    elif path.suffix == ".py":
        scenario = _from_python(path)
    else:
        raise ScenarioError(f"{path}: a scenario is a .py or a .json file")
    scenario = apply_sets(scenario, sets)
    if seed is not None:
        scenario = msgspec.structs.replace(scenario, seed=seed)
    scenario = with_files(scenario, path.parent)
    check_scenario(scenario)
    return scenario


def with_files(scenario: Scenario, folder: Path) -> Scenario:
    """The same scenario with every file that it names beside itself read in. Raises ScenarioError."""
    try:
        network = read_samples(scenario.network, folder)
        options = read_arrivals(scenario.workload.options, folder)
    except (NetworkError, ArrivalsError) as error:
        raise ScenarioError(str(error)) from None
    workload = msgspec.structs.replace(scenario.workload, options=options)
    return msgspec.structs.replace(scenario, network=network, workload=workload)


def apply_sets(scenario: Scenario, sets: Sequence[str]) -> Scenario:
    """`--set path=value`: dots go into structs and mappings, numbers into tuples; the value is JSON or a bare word."""
    tree = msgspec.json.decode(msgspec.json.encode(scenario))  # tuples become lists
    for text in sets:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise ScenarioError(f"--set {text!r}: expected path=value, as in --set parameters.window=64")
        if path == "members" and type(_value(value)) is int:
            raise ScenarioError(
                f"--set {text!r}: members is a list of them; to vary how many there are: "
                "`consortium sweep SCENARIO --vary members=4,7`"
            )
        _set(tree, path.split("."), _value(value), text)
    return _convert(tree, "--set " + " ".join(sets)) if sets else scenario


def check_scenario(scenario: Scenario) -> None:
    """Raises ScenarioError where the scenario cannot be meant."""
    if name_fault(scenario.name.replace("_", "-")) is not None:
        raise ScenarioError(
            f"name {scenario.name!r}: lower-case letters, digits, and hyphens or underscores inside, at most "
            f"{NAME_LENGTH_MAX}; folders are named after it"
        )
    if not 0 <= scenario.seed <= SEED_MAX:
        raise ScenarioError(f"seed={scenario.seed}: expected a number from 0 to {SEED_MAX}")
    for key in ("limit_us", "stall_us"):
        if not 1 <= getattr(scenario.stop, key) <= SEED_MAX:
            raise ScenarioError(f"stop.{key}={getattr(scenario.stop, key)}: expected 1 or more")
    _check_members(scenario, sorted(load_roles()))
    _check_known("protocol", scenario.protocol, sorted(load_protocols()))
    _check_known("suite", scenario.suite, sorted(SUITES))
    _check_known("workload.source", scenario.workload.source, sorted(load_workloads()))
    try:
        check_network(scenario.network, [member.name for member in scenario.members])
    except NetworkError as error:
        raise ScenarioError(str(error)) from None
    _check_behaviours(scenario)
    _check_faults(scenario)
    if min(scenario.disk.sync_us, scenario.disk.commit_us) < 0:
        raise ScenarioError("disk.sync_us and disk.commit_us cannot be negative")
    _check_parameters(scenario.parameters)
    _check_versions("versions", scenario.versions)
    for index, member in enumerate(scenario.members):
        _check_versions(f"members.{index}.program", member.program)
        least = scenario.parameters.window + scenario.parameters.checkpoint_interval
        if member.keep_blocks and member.keep_blocks < least:
            raise ScenarioError(
                f"members.{index}.keep_blocks={member.keep_blocks}: expected 0 (all), or {least} or more: what others "
                "may lack, a window and a checkpoint"
            )


def _check_versions(where: str, versions: Mapping[str, int]) -> None:
    contracts = load_contracts()
    for name, version in versions.items():
        _check_known(where, name, sorted(contracts))
        if version and version not in contracts[name].versions:
            known = ", ".join(map(str, sorted(contracts[name].versions)))
            raise ScenarioError(f"{where}.{name}={version}: this program has version {known}; 0 stands for none")


def _check_members(scenario: Scenario, roles: Sequence[str]) -> None:
    names = [member.name for member in scenario.members]
    for index, member in enumerate(scenario.members):
        _check_known(f"role of member {member.name!r}", member.role, roles)
        try:
            read_settings(member.role, member.settings)
        except ValueError as error:
            known = load_roles()[member.role].settings.__struct_fields__
            words = explain_unknown(str(error), known)
            raise ScenarioError(f"members.{index}.settings ({member.name}): {words}") from None
        if (fault := name_fault(member.name)) is not None:
            raise ScenarioError(f"member name {member.name!r}: {fault.sentence}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ScenarioError(f"member {repeated[0]!r} is named twice; every member needs a name of its own")
    validators = sum(member.kind == "validator" and not member.joins for member in scenario.members)
    if validators < 1:
        raise ScenarioError("a scenario needs at least one member of kind 'validator'")
    wanted = scenario.faults_tolerated
    if wanted is not None and faults_max(validators) < wanted:
        raise ScenarioError(
            f"faults_tolerated={wanted} needs at least {3 * wanted + 1} validators (n ≥ 3f+1), "
            f"the scenario has {validators}: add members or ask for f={faults_max(validators)}"
        )


def _check_faults(scenario: Scenario) -> None:
    names = [*(member.name for member in scenario.members), *Adversaries.of(scenario).twins]
    acts = load_acts()
    for index, fault in enumerate(scenario.faults):
        where = f"faults.{index}"
        _check_known(f"{where}.act", fault.act, list(acts))
        try:
            read_options(fault)
        except ValueError as error:
            raise ScenarioError(f"{where}: {error}") from None
        if acts[fault.act].has_target:
            _check_known(f"{where}.target", fault.target, [*names, "leader", "last"])
        elif fault.target:
            raise ScenarioError(f"{where}: {fault.act!r} has no target; name members in groups or links")
        if fault.at_us is not None and fault.at_height is not None:
            raise ScenarioError(f"{where}: at_us and at_height are both given; say when with one of them")
        for key in ("at_us", "at_height", "after_us"):
            if (getattr(fault, key) or 0) < 0:
                raise ScenarioError(f"{where}.{key}={getattr(fault, key)}: expected 0 or more")
        if fault.at_us is None and fault.at_height is None and index == 0 and fault.after_us == 0:
            raise ScenarioError(f"{where}: say when, with at_us, at_height or after_us")
        try:
            check_patterns(f"{where}.links", fault.links, names)
        except NetworkError as error:
            raise ScenarioError(str(error)) from None
        for group in fault.groups:
            for name in group:
                _check_known(f"{where}.groups", name, names)


def _check_behaviours(scenario: Scenario) -> None:
    for index, spec in enumerate(scenario.behaviours):
        _check_known(f"behaviours.{index}.name", spec.name, sorted(load_behaviours()))
    try:
        check_behaviours(scenario)
    except ValueError as error:
        raise ScenarioError(str(error)) from None


def check_runs_locally(scenario: Scenario) -> None:
    """Raises ScenarioError where only the simulator can do what the scenario asks for."""
    if scenario.is_recalled:
        raise ScenarioError("is_recalled: real nodes ask one another whenever they boot: use --on simulator")
    if scenario.suite == "plain":
        raise ScenarioError("suite 'plain' signs nothing, for the simulator alone: use --on simulator")
    if Adversaries.of(scenario).twins:
        raise ScenarioError("a twin (two hosts with one identity) runs in the simulator alone: use --on simulator")


def _check_parameters(parameters: Parameters) -> None:
    for field in msgspec.structs.fields(parameters):
        value = getattr(parameters, field.name)
        least = 0 if field.name in ("batch_delay_us",) else 1
        if not least <= value <= 1 << 40:
            raise ScenarioError(f"parameters.{field.name}={value}: expected {least} or more")
    if parameters.window < parameters.checkpoint_interval:
        raise ScenarioError(
            f"parameters.window={parameters.window} is smaller than checkpoint_interval="
            f"{parameters.checkpoint_interval}: no checkpoint would ever become stable inside it"
        )


def _check_known(what: str, value: str, known: Sequence[str]) -> None:
    try:
        check_known(what, value, known)
    except NetworkError as error:
        raise ScenarioError(str(error)) from None


def read_workload_options(options: Mapping[str, Any], kind: type[Options]) -> Options:
    """The options of a workload, typed. Raises ScenarioError that names the nearest known word, or the wrong type."""
    try:
        return msgspec.convert(options, kind)
    except msgspec.ValidationError as error:
        known = kind.__struct_fields__
        words = explain_unknown(str(error), known)
        raise ScenarioError(f"workload.options: {words}; known are {', '.join(known)}") from None


def explain_unknown(text: str, known: Sequence[str]) -> str:
    """A sentence of msgspec's, with the nearest known word behind it where it tells of an unknown field."""
    _, _, rest = text.partition("unknown field `")
    word, tick, _ = rest.partition("`")
    return text if not tick else text.replace(f"`{word}`", f"`{word}`{nearest(word, list(known))}", 1)


def _from_python(path: Path) -> Scenario:
    try:
        module = run_scenario(path)
        if module is None:
            module = runpy.run_path(str(path))
    except ScenarioError:
        raise
    except (Exception, SystemExit) as error:  # whatever a user's file does wrong is told as theirs, with its line
        raise ScenarioError(f"{_place(path, error)}: {_explain(error)}") from None
    scenario = module.get("SCENARIO")
    if scenario is None and "CHAINS" in module:
        raise ScenarioError(f"{path} is of several consortia: `consortium together {path}` runs it")
    if not isinstance(scenario, Scenario):
        raise ScenarioError(f"{path}: expected a module-level `SCENARIO = Scenario(...)`")
    # Constructors do not check types: going through builtins does, and names the path.
    checked = _convert(msgspec.to_builtins(scenario), str(path))
    if not checked.question:
        checked = msgspec.structs.replace(checked, question=(module.get("__doc__") or "").strip())
    return checked


def _place(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{path}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _explain(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, TypeError) and "nexpected keyword argument" in text:
        word = text.split("'")[1] if "'" in text else text
        known = sorted({name for struct in _STRUCTS for name in struct.__struct_fields__})
        return f"unknown key {word!r}{nearest(word, known)}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _from_json(path: Path) -> Scenario:
    try:
        tree = msgspec.json.decode(path.read_bytes())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ScenarioError(f"{path}: not JSON: {error}") from None
    return _convert(tree, str(path))


def _convert(tree: Any, where: str) -> Scenario:
    try:
        return msgspec.convert(tree, Scenario)
    except msgspec.ValidationError as error:
        text = str(error)
        if "unknown field" in text:
            word = text.split("`")[1]
            known = sorted({name for struct in _STRUCTS for name in struct.__struct_fields__})
            text = f"{text}: unknown key {word!r}{nearest(word, known)}"
        raise ScenarioError(f"{where}: {text}") from None


def _set(tree: Any, path: list[str], value: Any, text: str) -> None:
    node = tree
    for depth, key in enumerate(path):
        is_last = depth == len(path) - 1
        if isinstance(node, list):
            if not key.isdecimal() or int(key) >= len(node):
                raise ScenarioError(f"--set {text!r}: {key!r} is not one of 0…{len(node) - 1}")
            if is_last:
                node[int(key)] = value
            node = node[int(key)]
        elif isinstance(node, dict):
            is_free = any(above in _FREE for above in path[max(0, depth - 2) : depth])
            if key not in node and not is_free:
                known = f"; known are {', '.join(sorted(node))}" if node else ""
                raise ScenarioError(f"--set {text!r}: unknown key {key!r}{nearest(key, sorted(node))}{known}")
            if is_last:
                node[key] = value
            elif node.get(key) is None:
                node[key] = {}
            node = node[key]
        else:
            raise ScenarioError(f"--set {text!r}: {'.'.join(path[:depth])} is a plain value; it has no {key!r}")


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text.replace("_", "") if text.replace("_", "").isdecimal() else text)
    except msgspec.MsgspecError:
        return text
