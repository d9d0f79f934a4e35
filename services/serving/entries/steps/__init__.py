"""Code that the generator copies into model entries; it runs inside Triton and imports nothing of the platform."""
