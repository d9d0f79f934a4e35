"""People, their sessions, and who is calling."""
