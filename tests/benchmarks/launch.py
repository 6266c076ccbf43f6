"""Run commands in turn, several times, and print each run's wall time, peak memory and CPU time as JSON.

A process of its own, started without site-packages, because a child's peak memory counts from its parent's at the
moment of the fork.
"""

import json
import os
import sys
import time

ROUNDS, COMMANDS = int(sys.argv[1]), json.loads(sys.argv[2])


def measure(command):
    """Return the seconds, the peak memory in bytes and the seconds of CPU that a command takes."""
    silence = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    start = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=silence)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"exit code {os.waitstatus_to_exitcode(status)}: {command}")
    return seconds, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime


for command in COMMANDS:
    measure(command)  # the first run writes bytecode and warms the disk's cache
print(json.dumps([[measure(command) for command in COMMANDS] for _ in range(ROUNDS)]))
