"""Spec → Graph: what it means. Operators, blocks, and the trace that turns a table into a graph of both."""
