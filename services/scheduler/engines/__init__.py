"""Engines: ways to run a workload on a node."""
