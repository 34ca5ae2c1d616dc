"""The house's rules, as a test: which room may import which, and that the pure rooms stay pure."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = [
    {"core"},
    {"contracts", "ledger", "node", "plugins", "protocols", "vault"},
    {"rules"},
    {"roles", "behaviours", "stories", "views"},
    {"exports"},
    {"client", "scenario"},
    {"runs", "simulation"},
    {"lab"},
    {"exploration", "nodes"},
    {"commands"},
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
PURE = {
    "core",
    "contracts",
    "ledger",
    "node",
    "protocols",
    "roles",
    "rules",
    "behaviours",
    "exports",
    "scenario",
    "simulation",
    "stories",
    "vault",
    "views",
}
IMPURE_MODULES = {
    "asyncio", "time", "socket", "os", "threading", "multiprocessing", "subprocess", "random", "secrets",
    "datetime", "locale", "uuid", "ssl", "select", "signal", "concurrent", "aiomqtt", "amqtt", "sqlite3",
    "numpy",
}  # fmt: skip
MAY = {
    # dates are values there: no clock is read (checked below)
    ("contracts", "datetime"),
    ("roles", "datetime"),
    ("scenario", "datetime"),
}
MAY_FILES = {("consortium/simulation/bus/arrays.py", "numpy")}  # many numbers at once, exact: docs/decisions/040


def sources() -> list[tuple[str, Path]]:
    found = []
    for path in sorted((ROOT / "consortium").rglob("*.py")):
        relative = path.relative_to(ROOT / "consortium")
        room = relative.parts[0] if len(relative.parts) > 1 else relative.stem
        if room not in ("__init__", "__main__"):
            found.append((room, path))
    found.extend(("nodes", path) for path in sorted((ROOT / "nodes").rglob("*.py")))
    return found


def imports_of(tree: ast.AST) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            names.append(node.module or "")
            names.extend(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def faults_of(room: str, text: str, package: str = "") -> list[str]:
    """What one source of `room` does against the rules; `package` names the protocol that it belongs to."""
    tree = ast.parse(text)
    faults = []
    for name in imports_of(tree):
        parts = name.split(".")
        other = {"consortium": parts[1] if len(parts) > 1 else None, "nodes": "nodes"}.get(parts[0])
        if other in FLOOR_OF and other != room:
            if other == "nodes" and room != "commands":
                faults.append(f"{room} imports {name}: nodes belong to the command line alone")
            elif FLOOR_OF[other] >= FLOOR_OF[room] and not (room == "roles" and other == "roles"):
                faults.append(f"{room} imports {name}, which is not below it")
        if (
            room == "protocols"
            and package
            and name.startswith("consortium.protocols.")
            and parts[2] not in (package, "common")
        ):
            faults.append(f"protocol {package} imports {name}: protocols never import one another")
        if room in PURE and parts[0] in IMPURE_MODULES and (room, parts[0]) not in MAY:
            faults.append(f"{room} imports {name}: it must stay pure")
    if room in PURE:
        faults.extend(_impure_acts(tree, room))
    return faults


def _impure_acts(tree: ast.AST, room: str) -> list[str]:
    faults = []
    for node in ast.walk(tree):
        is_now = isinstance(node, ast.Attribute) and node.attr in ("now", "today", "utcnow", "fromtimestamp")
        asked = node.value if isinstance(node, ast.Attribute) and is_now else None
        if isinstance(asked, ast.Name) and asked.id in ("datetime", "date"):
            faults.append(f"{room} reads a clock at line {asked.lineno}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("hash", "id", "input"):
            faults.append(f"{room} calls {node.func.id}() at line {node.lineno}")
        if room == "contracts" and isinstance(node, ast.Constant) and isinstance(node.value, float):
            faults.append(f"a contract holds a float at line {node.lineno}")
        if room == "contracts" and isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            faults.append(f"a contract divides with / at line {node.lineno}")
    return faults


@pytest.mark.parametrize(("room", "path"), sources(), ids=lambda value: str(value).removeprefix(str(ROOT)))
def test_a_room_keeps_to_its_floor_and_the_pure_rooms_are_pure(room: str, path: Path) -> None:
    assert room in FLOOR_OF, f"{path}: a new room needs a floor"
    relative = path.relative_to(ROOT)
    package = relative.parts[2].removesuffix(".py") if room == "protocols" and len(relative.parts) > 2 else ""
    faults = faults_of(room, path.read_text(encoding="utf-8"), "" if package == "__init__" else package)
    may = [word for file, word in MAY_FILES if relative.as_posix() == file]
    assert [fault for fault in faults if not any(f"imports {word}" in fault for word in may)] == []


@pytest.mark.parametrize(
    ("room", "text"),
    [
        ("core", "from consortium.ledger.block import Header"),
        ("core", "import time"),
        ("contracts", "x = 1 / 2"),
        ("contracts", "x = 0.5"),
        ("contracts", "from consortium.protocols.pbft import PROTOCOL"),
        ("lab", "from nodes.process.store import SqliteRows"),
        ("ledger", "import asyncio"),
        ("roles", "from datetime import date\nx = date.today()"),
        ("simulation", "x = hash('a')"),
        ("simulation", "import numpy as np"),
    ],
)
def test_the_check_finds_what_is_forbidden(room: str, text: str) -> None:
    assert faults_of(room, text) != []


def test_one_protocol_importing_another_is_found() -> None:
    assert faults_of("protocols", "from consortium.protocols.hotstuff import PROTOCOL", "pbft") != []
