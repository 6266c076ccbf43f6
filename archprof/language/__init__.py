"""Spec → ir.Graph: what a table means. Registry, cells, binding, tracing, blocks, and the language's JSON Schema."""
