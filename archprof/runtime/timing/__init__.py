"""How long networks and operators take on this machine: measured by torch, and by onnxruntime."""
