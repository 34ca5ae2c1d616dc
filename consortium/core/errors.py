"""The base of every error that a person is told of in one sentence."""

from __future__ import annotations


class UserError(Exception):
    """What was asked for cannot be done: a mistake in the words or the input, or a machine that cannot carry it out (a
    full disk, a missing program). The text is the whole message: what happened, what was expected, what to do next.

    Every error of this kind is a subclass, in whichever room it is raised; the command line ends it with exit status 2
    and never with a traceback."""
