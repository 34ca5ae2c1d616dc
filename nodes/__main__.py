"""`python -m nodes RUN_FOLDER NAME`: start one node from a run folder, in this process, until SIGTERM.

With `--conducted` a conductor speaks on stdin (`go`, `cut`; its end ends us) and hears of us on stdout.
"""

from __future__ import annotations

# ruff: noqa: E402, as nothing may be imported before the path is put right
import os
import sys

_ROOT = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120
if __name__ == "__main__" and not sys.flags.safe_path and sys.path[0] == os.getcwd() != _ROOT:  # noqa: PTH109
    del sys.path[0]  # a random.py in the working directory is not the one that we mean

import argparse
import logging
from pathlib import Path

from consortium.plugins.load import load_folders
from nodes.conduct.child import adopt_parent
from nodes.errors import EXIT_INTERNAL, EXIT_STORE, EXIT_USAGE, Damaged, StoreFailed, UserError
from nodes.process.key_lock import Passphrase, from_descriptor, from_person, no_passphrase
from nodes.process.keys import passphrase_of
from nodes.process.log import LOG_FORMATS, begin_log
from nodes.process.room import wait_for_room
from nodes.process.settings import NodeFolder
from nodes.process.start import start_node
from nodes.process.trace_file import TRACE_PART_MB, TRACE_PARTS, PartPlan


def read_arguments() -> argparse.Namespace:
    """Of the command line. Ends this process where they are wrong."""
    parser = argparse.ArgumentParser(prog="python -m nodes", description="Start one node from a run folder.")
    parser.add_argument("run", type=Path, help="the folder of a run (it holds scenario.json and genesis.json)")
    parser.add_argument("name", help="the node's name, a folder under RUN/nodes")
    parser.add_argument(
        "--plugins", type=Path, action="append", default=[], metavar="FOLDER", help="a folder of plug-ins, see its run"
    )
    parser.add_argument("--conducted", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--supervised", action="store_true", help=argparse.SUPPRESS)  # who started it keeps its stderr
    parser.add_argument("--log-format", choices=LOG_FORMATS, default="text", help="lines of text, or of JSON")
    parser.add_argument(
        "--trace-parts", type=int, default=TRACE_PARTS, metavar="NUMBER", help="of its trace it keeps so many; 0: all"
    )
    parser.add_argument(
        "--trace-part-mb", type=int, default=TRACE_PART_MB, metavar="MB", help="so large a part of its trace grows"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--passphrase-file", type=Path, metavar="FILE", help="it holds that of its keys (mode 0600)")
    source.add_argument("--passphrase-fd", type=int, metavar="NUMBER", help="it is read there")
    arguments = parser.parse_args()
    if arguments.trace_parts < 0 or arguments.trace_part_mb < 1:
        parser.error("--trace-parts takes 0 or more, --trace-part-mb 1 or more")
    if arguments.conducted and arguments.supervised:
        parser.error("--conducted and --supervised: a node has one master")
    return arguments


def _passphrase(arguments: argparse.Namespace) -> Passphrase:
    if arguments.passphrase_file is not None:
        return passphrase_of(arguments.passphrase_file)
    if arguments.passphrase_fd is not None:
        return from_descriptor(arguments.passphrase_fd)
    return no_passphrase if arguments.conducted or arguments.supervised else from_person(arguments.name)


def main() -> int:
    """As `run`. A supervised node whose disk refuses waits for room before it ends, for it is started again at once."""
    adopt_parent()
    arguments = read_arguments()
    code = run(arguments)
    if code == EXIT_STORE and arguments.supervised:
        wait_for_room(NodeFolder(arguments.run, arguments.name).folder)
    return code


def run(arguments: argparse.Namespace) -> int:
    """Exit status 2: the input is wrong, with a sentence; 74: the disk refuses; 70: an internal error."""
    begin_log(arguments.log_format, "node", arguments.name)
    log = logging.getLogger("node")
    try:
        load_folders(arguments.plugins)
        return start_node(
            NodeFolder(arguments.run, arguments.name),
            arguments.name,
            is_conducted=arguments.conducted,
            is_supervised=arguments.supervised,
            trace=PartPlan(arguments.trace_part_mb * 1_000_000, arguments.trace_parts),
            passphrase=_passphrase(arguments),
        )
    except (Damaged, StoreFailed, OSError) as error:
        log.error("%s", error)
        return EXIT_STORE
    except UserError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except Exception:
        log.exception("an internal error")
        return EXIT_INTERNAL


if __name__ == "__main__":
    sys.exit(main())
