"""The Python client of the public HTTP API."""

from services.gateway.client.api import ApiError, Client
from services.gateway.client.uploads import upload_file

__all__ = ["ApiError", "Client", "upload_file"]
