"""The endpoint of a stream."""

from types import SimpleNamespace

import pytest

from fastrtc.server.attachment import attach, endpoint_of, has_endpoint, id_of
from fastrtc.utils import WebRTCData


def test_an_owner_has_what_was_attached() -> None:
    owner, endpoint = SimpleNamespace(endpoint="of the program"), object()
    assert not has_endpoint(owner)
    attach(owner, endpoint)  # type: ignore[type-var]
    assert has_endpoint(owner) and endpoint_of(owner) is endpoint
    assert owner.endpoint == "of the program"


def test_an_owner_whose_init_was_not_called_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"SimpleNamespace.__init__\(\) must call super"):
        endpoint_of(SimpleNamespace())


def test_the_id_in_the_value_of_a_component() -> None:
    assert id_of("a") == id_of(WebRTCData(webrtc_id="a")) == "a"
