"""`python -m consortium`: the command line."""

# ruff: noqa: E402, as nothing may be imported before the path is put right

import os
import sys

_ROOT = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120
if __name__ == "__main__" and not sys.flags.safe_path and sys.path[0] == os.getcwd() != _ROOT:  # noqa: PTH109
    del sys.path[0]  # a random.py in the working directory is not the one that we mean

from consortium.commands.app import main

main()
