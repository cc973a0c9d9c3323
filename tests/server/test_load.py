"""How busy a stream is."""

from fastrtc import Stream
from fastrtc.server.endpoint import endpoint_of
from fastrtc.server.load import Load, load_of
from tests.webrtc.handlers import AsyncAudioEcho


async def test_the_page_counts_but_takes_no_places() -> None:
    stream = Stream(AsyncAudioEcho(), modality="audio", verbose=False, concurrency_limit=2)
    endpoint = endpoint_of(stream)
    endpoint.places.reserve("a", 2)
    assert load_of(endpoint) == Load(1, 1, False)
    endpoint_of(stream.webrtc_component).places.reserve("page", 2)
    assert load_of(endpoint) == Load(2, 1, False)
    endpoint.places.stopping = True
    assert load_of(endpoint) == Load(2, 0, True)
    stream.concurrency_limit = None
    endpoint.places.stopping = False
    assert load_of(endpoint) == Load(2, None, False)
