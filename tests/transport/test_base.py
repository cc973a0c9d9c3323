"""To the server both transports are one."""

import inspect
from typing import Any

import pytest

from fastrtc.core.close_reason import CloseReason  # noqa: F401, for the annotations
from fastrtc.core.diagnosis import Diagnosis  # noqa: F401
from fastrtc.core.stats import ConnectionStats  # noqa: F401
from fastrtc.transport.base import Transport
from fastrtc.transport.socket.open_socket import OpenSocket
from fastrtc.transport.webrtc.peer import Peer

METHODS = [name for name in vars(Transport) if not name.startswith("_") and name != "channel"]


@pytest.mark.parametrize("kind", [Peer, OpenSocket])
@pytest.mark.parametrize("name", METHODS)
def test_a_transport_has_what_is_needed_of_it(kind: Any, name: str):
    wanted = inspect.signature(getattr(Transport, name), globals=globals(), eval_str=True)

    assert inspect.signature(getattr(kind, name), globals=globals(), eval_str=True) == wanted


def test_the_methods_are_those_of_the_protocol():
    assert METHODS == ["send", "clear", "unplayed_s", "diagnose", "stats", "close"]
