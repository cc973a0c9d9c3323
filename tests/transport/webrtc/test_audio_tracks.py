from __future__ import annotations

import asyncio
import threading
from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from fastrtc.audio.libopus import FIRST_CELT
from fastrtc.core.context import Context
from fastrtc.core.errors import HandlerError
from fastrtc.core.messages import current_channel
from fastrtc.core.outputs import AdditionalOutputs
from fastrtc.transport.webrtc.audio_tracks import AudioCallback
from fastrtc.transport.webrtc.opus import make_decoder
from tests.support.peers import AudioSource
from tests.transport.webrtc.tracks_of_a_session import (
    Audio,
    Channel,
    ended,
    tracks,
)

FRAME = 960


async def test_the_handler_may_be_called_through_its_track():
    class Noting(Audio):
        async def receive(self, frame) -> None:
            self.got = frame

        async def emit(self):
            return 24000, np.zeros(480, np.int16)

    async with tracks("audio", handler=Noting()) as (session, _, (track,)):
        assert (await track.event_handler_emit())[0] == 24000
        await track.event_handler_receive((48000, "samples"))
        assert session.handler.got == (48000, "samples")


async def test_audio_is_sent_as_opus():
    async with tracks("audio") as (_, media, (track,)):
        media.audio_out.playout.push(48000, np.full(3 * FRAME, 1000, np.int16))
        packets = [await track.recv() for _ in range(3)]
        assert all(isinstance(packet, av.Packet) for packet in packets)
        assert [packet.pts for packet in packets] == [0, FRAME, 2 * FRAME]
        assert packets[0].time_base == Fraction(1, 48000)
        assert make_decoder(1).decode(bytes(packets[0])).shape == (1, FRAME)


async def test_audio_that_becomes_stereo_goes_on():
    async with tracks("audio") as (_, media, (track,)):
        playout = media.audio_out.playout
        playout.push(48000, np.full((1, FRAME), 1000, np.int16))
        playout.push(48000, np.stack([np.full(FRAME, 1000), np.zeros(FRAME)]).astype(np.int16))
        playout.push(48000, np.full((1, FRAME), 1000, np.int16))
        packets = [await track.recv() for _ in range(3)]
        assert [packet.pts for packet in packets] == [0, FRAME, 2 * FRAME]
        stereo = [bool(bytes(packet)[0] & 0b100) for packet in packets]  # RFC 6716 section 3.1
        assert stereo == [False, True, True]


async def test_fec_lasts_while_loss_is_expected_whatever_the_layout():
    async with tracks("audio") as (_, media, (track,)):
        playout = media.audio_out.playout
        modes = []
        for percent, channels in ((0, 1), (10, 1), (10, 2), (0, 2)):
            track.expect_loss(percent)
            k = np.arange(4 * FRAME)
            sine = np.rint(8000 * np.sin(2 * np.pi * 440 * k / 48000)).astype(np.int16)
            playout.push(48000, np.stack([sine] * channels))
            packets = [bytes(await track.recv()) for _ in range(4)]
            modes.append(packets[-1][0] < FIRST_CELT)
    assert modes == [False, True, True, False]


async def test_silence_is_not_sent_to_a_client_that_asks_for_dtx():
    async with tracks("audio") as (_, media, (track,)):
        track.use_codec("opus", dtx=True)
        playout = media.audio_out.playout
        noise = np.random.default_rng(1).integers(-8000, 8000, 10 * FRAME).astype(np.int16)
        playout.push(48000, np.concatenate([noise, np.zeros(40 * FRAME, np.int16), noise]))
        times = []
        while len(times) < 20 or times[-1] < 59 * FRAME:
            times.append((await track.recv()).pts)
        assert times[:10] == [k * FRAME for k in range(10)]
        assert times[-9:] == [k * FRAME for k in range(51, 60)]
        assert len(times) < 45


@pytest.mark.parametrize(("channels", "layout"), [(1, "mono"), (2, "stereo")])
async def test_other_codecs_get_frames(channels, layout):
    async with tracks("audio") as (_, media, (track,)):
        track.use_codec("pcmu")
        samples = np.stack([np.arange(FRAME), -np.arange(FRAME)])[:channels].astype(np.int16)
        media.audio_out.playout.push(48000, samples)
        frame = await track.recv()
        assert isinstance(frame, av.AudioFrame)
        assert (frame.sample_rate, frame.samples, frame.pts) == (48000, FRAME, 0)
        assert (frame.format.name, frame.layout.name) == ("s16", layout)
        assert frame.time_base == Fraction(1, 48000)
        assert frame.to_ndarray().reshape(-1, channels).T.tolist() == samples.tolist()


async def test_the_queue_can_be_looked_at_added_to_and_emptied():
    async with tracks("audio") as (_, media, (track,)):
        assert track.queue.empty()
        track.queue.put_nowait((24000, np.zeros(2400, np.int16)))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.int16), layout="stereo")
        frame.sample_rate = 48000
        await track.queue.put(frame)
        assert track.queue.qsize() == 6
        while not track.queue.empty():
            track.queue.get_nowait()
        assert media.audio_out.playout.queued_s == 0
        with pytest.raises(asyncio.QueueEmpty):
            track.queue.get_nowait()
        with pytest.raises(HandlerError):
            track.queue.put_nowait("nothing to hear")


async def test_the_queue_can_be_cleared_from_the_loop_and_from_threads():
    async with tracks("audio") as (_, media, (track,)):
        for thread in (False, True):
            media.audio_out.playout.push(48000, np.zeros(48000, np.int16))
            if thread:
                clearing = threading.Thread(target=track.clear_queue)
                clearing.start()
                clearing.join()
                await asyncio.sleep(0)
            else:
                track.clear_queue()
            assert media.audio_out.playout.queued_s == 0


async def test_an_audio_track_that_a_program_makes():
    class Echo(Audio):
        def __init__(self) -> None:
            super().__init__()
            self.heard: asyncio.Queue = asyncio.Queue()
            self.channels: set = set()

        async def receive(self, frame) -> None:
            self.channels.add(current_channel.get())
            await self.heard.put(frame)

        async def emit(self):
            return await self.heard.get(), AdditionalOutputs("heard")

    handler, channel, outputs = Echo(), Channel(), []
    source = AudioSource(np.full(48000, 1000, np.int16))
    track = AudioCallback(source, handler, Context("me"), channel, outputs.append)

    frames = [await track.recv() for _ in range(20)]

    assert all(isinstance(frame, av.AudioFrame) for frame in frames)
    assert [frame.pts for frame in frames[:3]] == [0, FRAME, 2 * FRAME]
    assert any(abs(int(frame.to_ndarray().max()) - 1000) < 50 for frame in frames)
    assert handler.channels == {channel}
    assert outputs[0].args == ("heard",)
    assert channel.sent[0] == '{"type": "fetch_output", "data": []}'
    await ended(track)
    with pytest.raises(MediaStreamError):
        await track.recv()
