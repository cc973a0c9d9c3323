"""What Gradio passes as the value of the component."""

import pytest
from pydantic import ValidationError

from fastrtc.handlers.inputs import WebRTCData
from fastrtc.ui.value import WebRTCModel


@pytest.mark.parametrize("value", [None, {}, {"webrtc_id": ""}, {"webrtc_id": None}])
def test_before_the_first_connection_there_is_none(value: object) -> None:
    assert WebRTCModel(root=value).root is None


def test_an_id_stays_as_it_is() -> None:
    assert WebRTCModel(root="abc").root == "abc"


def test_what_was_typed_comes_with_the_id() -> None:
    value = WebRTCModel(root={"webrtc_id": "abc", "textbox": "Hello"}).root
    assert isinstance(value, WebRTCData)
    assert (value.webrtc_id, value.textbox, value.audio) == ("abc", "Hello", None)


@pytest.mark.parametrize("value", [5, ["abc"], {"webrtc_id": 5}])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        WebRTCModel(root=value)
