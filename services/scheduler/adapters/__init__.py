"""Edges to the contract and to the scheduler's own service."""
