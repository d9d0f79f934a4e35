"""The gRPC edge of the scheduler."""
