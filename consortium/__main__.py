"""`python -m consortium`: the command line."""

from consortium.commands.app import main

main()
