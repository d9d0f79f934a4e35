"""The use cases: commands on services, inference, and the reconciler that makes Triton run what is wanted."""
