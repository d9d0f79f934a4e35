"""The agent of a node: makes what runs here agree with what the scheduler has placed here."""
