"""Media and handler use what their transport knows of the client's buffer."""

from typing import Any

import numpy as np

from fastrtc import AsyncStreamHandler
from fastrtc.handlers.link import link_of
from fastrtc.session.client_buffer import ClientBuffer
from fastrtc.session.media import Media
from tests.session.rig import Rig


class Silent(AsyncStreamHandler):
    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> None: ...

    def copy(self) -> "Silent":
        return Silent()


async def test_a_buffer_replaces_the_queue_until_it_is_gone() -> None:
    calls: list[str] = []
    async with Rig(Silent()) as rig:
        media = Media(rig.session, "audio", "send-receive")
        link = link_of(media.handler)
        assert media.audio_out is not None and media.speaker is not None
        media.audio_out.push(24_000, np.ones((1, 2400), np.int16))
        assert link.queued_s() == media.audio_out.unplayed_s() == 0.1
        buffer = ClientBuffer(
            lambda: calls.append("clear"),
            lambda: 3.5,
            lambda: calls.append("pause"),
            lambda: calls.append("resume"),
        )
        buffer.bind(media)
        assert link.queued_s() == media.audio_out.unplayed_s() == media.speaker.unplayed_s() == 3.5
        link.pause()
        link.resume()
        media.interrupt()
        assert calls == ["pause", "resume", "clear"]
        media.use_no_buffer()
        assert link.queued_s() == media.audio_out.unplayed_s() == 0.1
        link.clear_queue()
        assert link.queued_s() == 0 and calls == ["pause", "resume", "clear"]


async def test_what_fills_a_silence_is_no_part_of_a_reply() -> None:
    async with Rig(Silent()) as rig:
        media = Media(rig.session, "audio", "send-receive")
        assert media.audio_out is not None and media.filler is not None
        ClientBuffer(media.clear, media.unsent_s, media.pause, media.resume).bind(media)
        media.fill((24_000, np.ones((1, 24_000), np.int16)))
        assert media.filler.active
        assert link_of(media.handler).queued_s() == 0
        assert media.audio_out.unplayed_s() == media.filler.unplayed_s() == media.unsent_s() > 0
        media.fill(None)
        assert not media.filler.active
        assert link_of(media.handler).queued_s() == media.unsent_s() > 0
