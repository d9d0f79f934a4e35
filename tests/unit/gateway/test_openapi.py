from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.gateway.contract.contract import Contract, load
from services.gateway.http.openapi.document import document


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


@pytest.fixture(scope="module")
def spec(contract: Contract) -> dict[str, Any]:
    return document(contract)


def test_is_valid(spec: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(spec).validate()


def test_every_binding_is_there(contract: Contract, spec: dict[str, Any]) -> None:
    for binding in contract.bindings:
        operation = spec["paths"][binding.template.openapi][binding.verb.lower()]
        assert operation["summary"], f"{binding.method.path} has no comment"
    assert "/api/v1/uploads/{id}" in spec["paths"]
    assert "/v2/models/{service}/infer" in spec["paths"]


def test_operation_ids_are_unique(spec: dict[str, Any]) -> None:
    ids = [
        operation["operationId"]
        for item in spec["paths"].values()
        for verb, operation in item.items()
        if verb != "parameters"
    ]
    assert len(ids) == len(set(ids))


def test_constraints_and_comments_are_told(spec: dict[str, Any]) -> None:
    dataset = spec["components"]["schemas"]["dataset.v1.Dataset"]
    assert dataset["required"] == ["name", "purpose", "format"]
    assert dataset["properties"]["name"]["maxLength"] == 60
    assert dataset["properties"]["name"]["pattern"].startswith("^[A-Za-z]")
    assert dataset["properties"]["format"]["enum"] == ["dir", "json", "single_text", "brat_ann"]
    assert dataset["properties"]["problems"]["description"].startswith("Why the last import failed")
    parameters = {one["name"]: one for one in spec["paths"]["/api/v1/datasets"]["get"]["parameters"]}
    assert parameters["page_size"]["schema"]["maximum"] == 1000
    assert "Idempotency-Key" in {one["name"] for one in spec["paths"]["/api/v1/datasets"]["post"]["parameters"]}


def test_internal_methods_are_not_published(contract: Contract) -> None:
    assert "/modelyard.scheduler.v1.WorkloadService/GetWorkload" in contract.methods
    assert "/modelyard.scheduler.v1.WorkloadService/SubmitWorkload" not in contract.methods
    assert not any("AgentService" in path for path in contract.methods)
