"""`python -m consortium`: the command line."""

from consortium.cli import main

main()
