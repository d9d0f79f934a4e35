"""What the whole pipeline costs, from start-up to prediction; see `__main__`."""
