import pytest

from services.gateway.contract.templates import BadTemplate, PathTemplate


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("/api/v1/datasets", "/api/v1/datasets", {}),
        ("/api/v1/datasets/{id}", "/api/v1/datasets/ds-1", {"id": "ds-1"}),
        ("/api/v1/datasets/{id}", "/api/v1/datasets/a%2Fb%3Ac", {"id": "a/b:c"}),
        ("/api/v1/datasets/{id}", "/api/v1/datasets/%E6%95%B0", {"id": "数"}),
        ("/api/v1/datasets/{id}", "/api/v1/datasets/ds-1/samples", None),
        ("/api/v1/datasets/{id}", "/api/v1/datasets/", None),
        ("/api/v1/datasets/{id}", "/api/v1/datasets/ds-1:online", None),
        ("/api/v1/datasets/{id}:online", "/api/v1/datasets/ds-1:online", {"id": "ds-1"}),
        ("/api/v1/datasets/{id}:online", "/api/v1/datasets/ds-1:offline", None),
        ("/v1/{name=folders/*}/x", "/v1/folders/7/x", {"name": "folders/7"}),
        ("/v1/{name=files/**}", "/v1/files/a/b/c", {"name": "files/a/b/c"}),
        ("/v1/{dataset.id}/{split}", "/v1/ds-1/test", {"dataset.id": "ds-1", "split": "test"}),
        ("/v1/a.b", "/v1/axb", None),
    ],
)
def test_matches(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert PathTemplate.parse(template).match(path) == expected


@pytest.mark.parametrize("text", ["v1/x", "/v1/{id", "/v1/{Id}", "/v1/{id}/{id}", "/v1/}"])
def test_refuses_what_is_no_template(text: str) -> None:
    with pytest.raises(BadTemplate):
        PathTemplate.parse(text)


def test_openapi_form_has_no_patterns() -> None:
    assert PathTemplate.parse("/v1/{name=folders/*}:move").openapi == "/v1/{name}:move"
