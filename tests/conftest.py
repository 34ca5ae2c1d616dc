"""Its place puts `tests/` on the path, so that tests share helpers such as `contracts_state` and `optional`."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import optional

# No deadline: a slow or busy machine is no defect of the code. `make properties` chooses `random`.
settings.register_profile("same each time", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("random", deadline=None, max_examples=500, print_blob=True)
settings.load_profile("same each time")
optional.hide()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Python's own handler of Ctrl-C, also for children: `nohup` and a shell's `&` start us with the signal ignored."""
    older = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, older)
