"""The resumable stream of events."""
