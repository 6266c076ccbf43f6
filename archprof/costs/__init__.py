"""ir.Graph → Report: what a network costs. One tuple of metrics, and the prices of other tools' conventions."""
