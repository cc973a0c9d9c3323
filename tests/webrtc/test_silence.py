"""A turn ends when a client sends no more audio: muted, push-to-talk, DTX."""

import asyncio
import fractions
from typing import Any

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack

from fastrtc import AlgoOptions, ReplyOnPause, Stream, StreamHandler
from tests.support.models import Energy
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone

RATE = 48000
SPEECH = np.concatenate([np.zeros(RATE // 2, np.int16), tone(1.2, amplitude=12000)])


class Discontinuous(MediaStreamTrack):
    """Sends speech, and then a frame of silence every 0.4 s, as Opus does in DTX (RFC 7587)."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.position = 0
        self.started_at: float | None = None

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        self.started_at = self.started_at or loop.time()
        step = 960 if self.position < len(SPEECH) else 20 * 960
        await asyncio.sleep(max(0.0, self.started_at + self.position / RATE - loop.time()))
        chunk = SPEECH[self.position : self.position + 960]
        chunk = np.pad(chunk, (0, 960 - len(chunk)))
        frame = av.AudioFrame.from_ndarray(chunk.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, self.position
        frame.time_base = fractions.Fraction(1, RATE)
        self.position += step
        return frame


def stream_of(handler: Any) -> Stream:
    return Stream(handler, modality="audio", mode="send-receive", server_rtc_configuration=LOCAL)


@pytest.mark.parametrize("follows", [False, True], ids=["block by block", "continuously"])
async def test_a_muted_track_ends_the_turn(follows: bool) -> None:
    def reply(audio: Any) -> Any:
        utterances.append(audio[1].shape[1] / audio[0])
        yield RATE, tone(0.3)

    utterances: list[float] = []
    handler = ReplyOnPause(reply, model=Streaming() if follows else Energy())
    source = AudioSource(SPEECH, then_nothing=True)
    async with Client(stream_of(handler), audio=source) as client:
        await eventually(client.loud)
        assert [1.2 <= seconds < 3.5 for seconds in utterances] == [True]
        running = client.session.handler
        await asyncio.sleep(1.0)  # then there is silence for nobody
        assert not running.state.started_talking
        assert len(utterances) == 1


async def test_discontinuous_transmission_ends_the_turn_as_soon_as_silence_does() -> None:
    def reply(audio: Any) -> Any:
        utterances.append(audio[1].shape[1] / audio[0])
        yield RATE, tone(0.3)

    utterances: list[float] = []
    source = Discontinuous()
    async with Client(stream_of(ReplyOnPause(reply, model=Energy())), audio=source) as client:
        await eventually(client.loud)
        assert [1.2 <= seconds < 3.0 for seconds in utterances] == [True]
        # by the packets alone, half a second of silence would take ten
        assert asyncio.get_running_loop().time() - source.started_at < 8


async def test_other_handlers_get_no_silence() -> None:
    class Counts(StreamHandler):
        def receive(self, frame: Any) -> None:
            frames.append(frame)

        def emit(self) -> None: ...

        def copy(self) -> "Counts":
            return Counts()

    frames: list[Any] = []
    source = AudioSource(tone(0.4), then_nothing=True)
    async with Client(stream_of(Counts()), audio=source):
        await eventually(lambda: len(frames) >= 19)
        await asyncio.sleep(1.5)
        assert len(frames) <= 22


async def test_an_utterance_that_never_ends_is_given_silence_while_it_lasts() -> None:
    def reply(audio: Any) -> Any:
        yield RATE, tone(0.3)

    options = AlgoOptions(speech_threshold=0.0)  # no pause is one
    handler = ReplyOnPause(reply, algo_options=options, model=Energy())
    source = AudioSource(SPEECH, then_nothing=True)
    async with Client(stream_of(handler), audio=source) as client:
        await client.message("log", "started_talking")
        stream = client.session.handler.state
        before = len(stream.stream) if stream.stream is not None else 0
        await eventually(
            lambda: stream.stream is not None and stream.stream.size > before + 2 * RATE
        )


class Streaming(Energy):
    """The same, which follows the audio as it comes."""

    def open_stream(self, options: Any) -> "Streaming":
        opened = Streaming()
        opened.rest = np.zeros(0, np.int16)
        return opened

    def push(self, samples: np.ndarray) -> list[float]:
        samples = np.concatenate([self.rest, samples])
        windows = len(samples) // 512
        self.rest = samples[windows * 512 :]
        parts = np.split(samples[: windows * 512].astype(int), windows) if windows else []
        return [0.95 if np.abs(part).mean() > 500 else 0.02 for part in parts]

    def reset(self) -> None:
        self.rest = np.zeros(0, np.int16)
