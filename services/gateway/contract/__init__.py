"""The published interface, read from the descriptor set."""
