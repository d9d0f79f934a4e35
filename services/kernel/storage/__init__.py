"""State in MongoDB and bytes in the object store."""
