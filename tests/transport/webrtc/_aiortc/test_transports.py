from __future__ import annotations

import aioice
from aiortc import RTCConfiguration, RTCPeerConnection

from fastrtc.transport.webrtc._aiortc.transports import dtls_transports, ice_connections


async def test_the_transports_of_a_connection_are_found_each_once() -> None:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.addTransceiver("audio")
    pc.createDataChannel("text")
    answer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    await answer.setRemoteDescription(await pc.createOffer())
    assert [len(dtls_transports(one)) for one in (pc, answer)] == [2, 1]  # before and after BUNDLE
    (connection,) = ice_connections(answer)
    assert isinstance(connection, aioice.Connection)
    await pc.close()
    await answer.close()
