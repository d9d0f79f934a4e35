"""A workload as a process of its own on the agent's machine."""
