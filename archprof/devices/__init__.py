"""Devices by their profiles: what was measured on one, and how long a network takes on it."""
