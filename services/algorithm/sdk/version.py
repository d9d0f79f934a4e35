"""Version of the SDK; written into the provenance of every model."""

__version__ = "1.0.0"
CONTRACT = 1
