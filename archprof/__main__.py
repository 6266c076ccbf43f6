"""The process of the command line: `archprof`, or `python -m archprof`."""

import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    # A command lives briefly and its imports stay: the collector would walk a million objects of torch a dozen times,
    # and once more at exit.
    gc.set_threshold(100_000)
    from archprof.cli import run
    from archprof.cli.process import finish, prepare

    prepare()
    code = finish(run(sys.argv[1:]))
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
