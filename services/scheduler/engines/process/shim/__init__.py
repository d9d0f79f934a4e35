"""The shim: one small process beside each workload's process, which outlives the agent. Standard library only."""
