"""The command `modelyard`: everything over the public HTTP API."""

from services.gateway.cli.app import main

__all__ = ["main"]
