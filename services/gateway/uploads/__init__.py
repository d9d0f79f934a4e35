"""Uploads that survive broken lines: state in MongoDB, content in the object store."""
