"""The bytes that a network holds while it runs: weights, activations, what training keeps, and when there are most."""
