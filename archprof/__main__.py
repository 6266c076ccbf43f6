"""The process of the command line: `archprof`, or `python -m archprof`."""

import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    # A command lives briefly and its imports stay: the collector would walk a million objects of torch a dozen times,
    # and once more at exit.
    gc.set_threshold(100_000)
    try:
        code = _code()
    except KeyboardInterrupt:  # before a command runs, or behind it
        code = 130
    # An interrupt that rose through code that was a text (of a dataclass, as torch imports more) Python keeps in mind,
    # to die of it as it leaves, unless other such code has run since.
    exec("")
    gc.freeze()
    sys.exit(code)


def _code() -> int:
    from archprof.cli import run
    from archprof.cli.process import finish, prepare

    prepare()
    return finish(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
