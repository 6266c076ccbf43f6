"""What a spec may not exceed, so that no text can exhaust a machine. The table in docs/reference/spec.md says the
same."""

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 100_000
MAX_EXTENDS = 16
MAX_OPERATORS = 100_000
MAX_READS = 1_000_000
MAX_REPEATS = 1000
# Of a choice that is a range; what is drawn from more is no choice but a number.
MAX_OPTIONS = 1000
MAX_CHANNELS = 1_000_000
MAX_SIDE = 65_536
MAX_LENGTH = 1_000_000
MAX_KERNEL = 4096
MAX_ENTRIES = 100
MAX_AXES = 64
MAX_BATCH = 1_000_000
# Ten times as many as any count has; up to there, Python makes integers of text, and floats of integers.
MAX_DIGITS = 300
