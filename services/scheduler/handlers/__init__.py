"""Use cases of the scheduler."""
