"""`python -m nodes.deploy.supervisor_process SETTINGS OUTPUT`: supervisord in a session of its own, whose programs end
with it. Prints its process number and leaves; what supervisord itself says goes into OUTPUT."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> None:
    settings, output = sys.argv[1:]
    child = os.fork()
    if child:
        print(child, flush=True)
        return
    _supervise(settings, output)


def _supervise(settings: str, output: str) -> NoReturn:
    """Its children find in the environment whose they are: see `nodes.conduct.child.adopt_parent`."""
    os.setsid()
    said = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(said, stream)
    os.environ["CONSORTIUM_PARENT"] = str(os.getpid())
    from supervisor.supervisord import main as supervise

    supervise(["-n", "-c", settings])
    raise SystemExit(0)


if __name__ == "__main__":
    main()
