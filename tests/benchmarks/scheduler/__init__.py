"""Benchmark of the scheduling policy on published traces."""
