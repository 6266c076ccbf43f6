"""Diagrams of networks and blocks, as papers have them: boxes with sizes between them, in SVG, PDF and PNG."""
