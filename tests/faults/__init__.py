"""Faults on the real stack while it works, and a checker that looks at it from the outside."""
