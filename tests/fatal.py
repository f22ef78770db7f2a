"""Programs that are killed in the middle, as by `kill -9` or a power cut."""

from __future__ import annotations

__all__ = ["fatal"]

_BEGINNING = """
import os, signal, sys
calls_left = int(sys.argv.pop(1))
def fatal(name):
    real = getattr(os, name)
    def call(*args, **more):
        global calls_left
        calls_left -= 1
        if calls_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **more)
    setattr(os, name, call)
for name in {names!r}:
    fatal(name)
"""


def fatal(names: tuple[str, ...], program: str) -> str:
    """A program that kills itself before one of its calls of `os`.

    Args:
        names: the functions that count.
        program: Python; the first argument that it is given is the number of the fatal call, and is taken away.
    """
    return _BEGINNING.format(names=names) + program
