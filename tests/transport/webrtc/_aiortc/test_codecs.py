from __future__ import annotations

import copy

from aiortc.sdp import MediaDescription, SessionDescription

from fastrtc.transport.webrtc._aiortc.codecs import (
    COMMON,
    NEGOTIATED,
    keep_common_codecs,
    negotiated_codecs,
    supported_codecs,
)
from tests.support.patches import new_connection, without


async def test_the_codecs_that_were_negotiated():
    theirs, ours = await new_connection(), await new_connection()
    transceiver = ours.getTransceivers()[0]
    assert negotiated_codecs(transceiver) == []
    await ours.setRemoteDescription(await theirs.createOffer())
    codecs = negotiated_codecs(ours.getTransceivers()[0])
    assert codecs[0].name == "opus"
    assert codecs[0].payload_type == codecs[0].parameters.payloadType
    assert {codec.name for codec in codecs} >= {"opus", "pcmu", "pcma"}
    await theirs.close()
    await ours.close()


OFFER = SessionDescription.parse(
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\nc=IN IP4 0.0.0.0\r\n"
    "a=rtpmap:63 red/48000/2\r\na=rtpmap:111 opus/48000/2\r\n"
)


def offered(*payload_types: int) -> MediaDescription:
    media = copy.deepcopy(OFFER.media[0])
    media.rtp.codecs = [c for c in media.rtp.codecs if c.payloadType in payload_types]
    return media


def test_what_aiortc_has_is_kept():
    media = offered(63, 111)
    assert keep_common_codecs(media)
    assert [codec.payloadType for codec in media.rtp.codecs] == [111]
    assert not keep_common_codecs(offered(63))


async def test_without_the_names_aiortc_chooses_itself():
    with without(COMMON, NEGOTIATED):
        media = offered(63, 111)
        assert keep_common_codecs(media)
        assert [codec.payloadType for codec in media.rtp.codecs] == [63, 111]
        assert not keep_common_codecs(offered())
        assert supported_codecs("audio") == "others"
        assert negotiated_codecs(object()) == []
    assert supported_codecs("audio").startswith("opus")
