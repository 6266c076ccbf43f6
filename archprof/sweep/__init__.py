"""Many networks at once: sweeps over axes, and the multipliers that meet a budget."""
