"""`python -m archprof`: the command line."""

from archprof.cli import main

main()
