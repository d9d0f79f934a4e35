"""Stored content that nothing refers to: found by asking every service, removed when that has been so for long."""
