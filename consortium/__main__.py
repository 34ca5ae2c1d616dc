"""`python -m consortium`, and the command `consortium`: what is done before the first of its modules is read."""

import os
import sys

STOPPED = 130  # as EXIT_STOPPED of the commands, none of which is read yet
_ROOT = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120


def main() -> None:
    """The command line. Ctrl-C while its modules are read ends it at once: nothing is begun then that could be lost."""
    import signal

    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else whoever started us chose (`nohup`)
    if is_ours:
        signal.signal(signal.SIGINT, lambda *_: os._exit(STOPPED))
    from consortium.commands.app import main as run

    if is_ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    if not sys.flags.safe_path and sys.path[0] == os.getcwd() != _ROOT:  # noqa: PTH109
        del sys.path[0]  # a random.py in the working directory is not the one that we mean
    main()
