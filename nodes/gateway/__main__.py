"""`python -m nodes.gateway DIR NAME`: serve the gateway of one node, in this process, until SIGTERM."""

from __future__ import annotations

# ruff: noqa: E402, as nothing may be imported before the path is put right
import os
import sys

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120
if __name__ == "__main__" and not sys.flags.safe_path and sys.path[0] == os.getcwd() != _ROOT:  # noqa: PTH109
    del sys.path[0]  # a random.py in the working directory is not the one that we mean

import argparse
import logging
from pathlib import Path

from consortium.plugins.load import load_folders
from nodes.conduct.child import adopt_parent
from nodes.errors import EXIT_INTERNAL, EXIT_STORE, EXIT_USAGE, UserError
from nodes.gateway.serve import serve
from nodes.process.log import LOG_FORMATS, begin_log
from nodes.process.settings import NodeFolder


def main() -> int:
    """Exit status 2: the input is wrong, with a sentence; 74: the machine refuses; 70: an internal error."""
    adopt_parent()
    parser = argparse.ArgumentParser(prog="python -m nodes.gateway", description="Serve the gateway of one node.")
    parser.add_argument("run", type=Path, help="the folder of a consortium")
    parser.add_argument("name", help="the node's name, a folder under RUN/nodes")
    parser.add_argument("--plugins", type=Path, action="append", default=[], metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--supervised", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--log-format", choices=LOG_FORMATS, default="text", help="lines of text, or of JSON")
    arguments = parser.parse_args()
    begin_log(arguments.log_format, "gateway", arguments.name)
    try:
        load_folders(arguments.plugins)
        serve(NodeFolder(arguments.run, arguments.name))
    except UserError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except OSError as error:
        logging.getLogger("gateway").error("%s", error)
        return EXIT_STORE
    except Exception:
        logging.getLogger("gateway").exception("an internal error")
        return EXIT_INTERNAL
    return 0


if __name__ == "__main__":
    sys.exit(main())
