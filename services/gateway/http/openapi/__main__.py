"""`python -m services.gateway.http.openapi FILE` writes the OpenAPI document."""

import sys
from pathlib import Path

from services.gateway.contract import contract
from services.gateway.http.openapi.document import openapi_json

if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(openapi_json(contract.load()))
