import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import InvalidArgument
from services.kernel.values import Interface, InterfaceParameter
from services.serving.handlers import inputs
from services.serving.handlers.inputs import columns

IMAGE = Interface(parameters=(InterfaceParameter("image", "image"),))
TEXT = Interface(parameters=(InterfaceParameter("text", "text"), InterfaceParameter("note", "text", required=False)))


def refusal(interface: Interface, instance: dict[str, str], *, at: int = 0) -> InvalidArgument:
    good = {"image": base64.b64encode(b"x").decode()} if interface is IMAGE else {"text": "good"}
    with pytest.raises(InvalidArgument) as caught:
        columns(interface, ("image",) if interface is IMAGE else ("text",), [good] * at + [instance])
    return caught.value


@pytest.mark.parametrize(
    ("instance", "field", "reason", "told"),
    [
        ({}, "instances[0].inputs.image", "MISSING_PARAMETER", "expected an image file in base64"),
        ({"picture": "eA=="}, "instances[0].inputs.picture", "UNKNOWN_PARAMETER", "expected `image`"),
        ({"image": "no base64!"}, "instances[0].inputs.image", "INVALID_BASE64", "not base64"),
        ({"image": "eA="}, "instances[0].inputs.image", "INVALID_BASE64", "not base64"),
        ({"image": ""}, "instances[0].inputs.image", "EMPTY_IMAGE", "is empty"),
        ({"image": "ü"}, "instances[0].inputs.image", "INVALID_BASE64", "not base64"),
    ],
)
def test_bad_images_name_the_field(instance: dict[str, str], field: str, reason: str, told: str) -> None:
    error = refusal(IMAGE, instance)
    assert error.violations[0].field == field
    assert error.reason == reason
    assert told in error.message


@pytest.mark.parametrize(
    ("instance", "reason"),
    [
        ({"text": " \n"}, "EMPTY_TEXT"),
        ({"text": "x" * 200_001}, "TEXT_TOO_LONG"),
        ({"note": "only this"}, "MISSING_PARAMETER"),
        ({"text": "\ud800"}, "INVALID_ARGUMENT"),
    ],
)
def test_bad_texts_name_the_instance(instance: dict[str, str], reason: str) -> None:
    error = refusal(TEXT, instance, at=2)
    assert error.violations[0].field == "instances[2].inputs.text"
    assert error.reason == reason


def test_an_image_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_IMAGE_BYTES", 3)
    assert refusal(IMAGE, {"image": base64.b64encode(b"1234").decode()}).reason == "IMAGE_TOO_LARGE"


def test_no_instance_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="at least one instance"):
        columns(IMAGE, ("image",), [])


def test_only_what_the_model_takes_is_passed_on() -> None:
    assert columns(TEXT, ("text",), [{"text": "a", "note": "b"}, {"text": "c"}]) == {"text": [b"a", b"c"]}


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=5), st.booleans())
def test_images_arrive_as_they_were(contents: list[bytes], as_url: bool) -> None:
    head = "data:image/png;base64," if as_url else ""
    instances = [{"image": head + base64.encodebytes(content).decode()} for content in contents]
    assert columns(IMAGE, ("image",), instances) == {"image": contents}


@given(st.dictionaries(st.sampled_from(["image", "text", "x"]), st.text(max_size=50), max_size=3))
def test_whatever_is_sent_is_either_taken_or_refused_by_name(instance: dict[str, str]) -> None:
    try:
        taken = columns(IMAGE, ("image",), [instance])
    except InvalidArgument as error:
        assert error.violations[0].field.startswith("instances[0].inputs.")
    else:
        assert taken["image"][0]
