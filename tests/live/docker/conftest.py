"""The image under test: built of the sources here, once for all tests, on whatever base this machine can have."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodes.containers.engine import ENGINE_VARIABLE, IMAGE_VARIABLE, Engine, find_engine
from nodes.containers.leftovers import CONDUCTOR_LABEL, is_conducted, own_mark
from tests.optional import base_image

ROOT = Path(__file__).resolve().parents[3]
NAME = "consortium-test"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The engine, with the image in it."""
    engine = find_engine()
    with (tmp_path_factory.getbasetemp().parent / "image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other workers of the tests wait, and find it built
        base = base_image(engine, ROOT / "docker/base")
        done = subprocess.run(
            [str(ROOT / "docker/build"), NAME],
            env={**os.environ, "BASE": base, "CONSORTIUM_ENGINE": engine.program},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return engine


@pytest.fixture
def engine(built: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine, with our image named to commands; nothing of a test is left in it."""
    monkeypatch.setenv(IMAGE_VARIABLE, NAME)
    monkeypatch.setenv(ENGINE_VARIABLE, built.program)
    yield built
    assert left_behind(built) == [], "containers or networks were left behind"


def left_behind(engine: Engine) -> list[str]:
    """Containers and networks of this process, or of conductors that are gone. Those of other workers go on."""
    kinds = ("container", "network")
    found = [pair for kind in kinds for pair in engine.labelled(kind, CONDUCTOR_LABEL)]
    return [name for name, labels in found if labels[CONDUCTOR_LABEL] == own_mark() or not is_conducted(labels)]
