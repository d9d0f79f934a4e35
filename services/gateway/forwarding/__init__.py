"""Calls to the services behind the gateway, and the gRPC front before them."""
