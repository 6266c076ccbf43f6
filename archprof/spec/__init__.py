"""Text → Spec: what was typed. Knows YAML, places, variants and edits; knows nothing of what a block computes."""
