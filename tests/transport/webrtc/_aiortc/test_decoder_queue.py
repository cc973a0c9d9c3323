from aiortc import RTCConfiguration, RTCPeerConnection

from fastrtc.transport.webrtc._aiortc.decoder_queue import MAX_ENCODED, bound_decoder

QUEUE = "_RTCRtpReceiver__decoder_queue"


async def test_frames_that_wait_for_a_decoder_are_bounded_and_the_end_comes_first():
    """The end is waited for on the event loop, and a peer can cause it."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    receiver = pc.addTransceiver("video").receiver
    bound_decoder(receiver)
    waiting = getattr(receiver, QUEUE)
    for k in range(MAX_ENCODED + 10):
        waiting.put(k)
    assert list(waiting.queue) == [*range(MAX_ENCODED)]
    waiting.put(None)
    error = getattr(receiver, "_RTCRtpReceiver__decoder_error", None)
    assert error is None or error.is_set(), "the peer is asked for a key frame"
    got = [waiting.get_nowait() for _ in range(waiting.qsize())]
    assert got == [None]
    await pc.close()
