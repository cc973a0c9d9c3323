import types
from typing import Any

import pytest

from fastrtc.transport.webrtc._aiortc.sctp_messages import limit_messages


async def test_an_error_of_the_transport_that_is_being_closed_passes():
    async def handle(data: bytes) -> None:
        raise ConnectionError

    async def receive(chunk: Any) -> None: ...

    sctp: Any = types.SimpleNamespace(_handle_data=handle, _receive_data_chunk=receive)
    pc: Any = types.SimpleNamespace(sctp=sctp)
    limit_messages(pc, 10, pytest.fail)
    with pytest.raises(ConnectionError):
        await sctp._handle_data(b"")
