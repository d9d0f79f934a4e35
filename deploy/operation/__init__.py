"""Commands for those who run the platform: they speak to its servers, so they run on a machine that reaches these."""

PANEL = "On a machine that reaches the servers"
"""The heading of these commands in `modelyard --help`."""
