"""What administrators do to keep the platform well."""
