"""The graph of a network, wherever it comes from: dims, values, operators, nodes, liveness.

Nothing here knows YAML, a place in a file, a width multiplier or, outside of `Operator.module`, torch.
"""
