"""What a strictly typed program writes; checked by mypy and pyright, with no ``Any`` in it."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

from fastrtc import (
    AdditionalOutputs,
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    AudioEmitType,
    AudioVideoStreamHandler,
    CloseStream,
    ReplyOnPause,
    ReplyOnStopWords,
    SpeechHandle,
    Stream,
    StreamHandler,
    ToolCall,
    VideoEmitType,
    VideoStreamHandler,
    get_current_context,
    get_stt_model,
    get_tts_model,
    wait_for_item,
)
from fastrtc.tracks import EmitType
from fastrtc.utils import webrtc_error_handler

Audio = tuple[int, NDArray[np.int16]]
Picture = NDArray[np.uint8]


class Echo(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=24000)
        self.chunks: asyncio.Queue[Audio] = asyncio.Queue()
        self.volume = 1.0

    def copy(self) -> "Echo":
        return Echo()

    async def start_up(self) -> None:
        await self.wait_for_args()
        assert_type(self.latest_args, list[object])
        volume = self.latest_args[1]
        if isinstance(volume, int | float):  # inputs come from a client
            self.volume = volume

    async def receive(self, frame: Audio) -> None:
        rate, samples = frame
        self.chunks.put_nowait((rate, (samples * self.volume).astype(np.int16)))

    async def emit(self) -> AudioEmitType:
        chunk = await wait_for_item(self.chunks)
        assert_type(chunk, Audio | None)
        return chunk

    async def shutdown(self) -> None:
        await super().shutdown()


class Tone(StreamHandler):
    def copy(self) -> "Tone":
        return Tone()

    def receive(self, frame: Audio) -> None:
        pass

    def emit(self) -> EmitType:
        level = float(np.abs(np.zeros(480, np.float32)).max())
        return (24000, np.zeros(480, np.float32)), AdditionalOutputs("level", level)

    def receive_dtmf(self, digit: str) -> None:
        call = get_current_context().phone_call
        if call is not None:
            print(call.from_number, digit)

    def shutdown(self) -> None:
        pass


class Mirror(AsyncAudioVideoStreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.pictures: asyncio.Queue[Picture] = asyncio.Queue()

    def copy(self) -> "Mirror":
        return Mirror()

    async def receive(self, frame: Audio) -> None:
        pass

    async def emit(self) -> AudioEmitType:
        return None

    async def video_receive(self, frame: Picture) -> None:
        self.pictures.put_nowait(np.flip(frame, axis=1))

    async def video_emit(self) -> VideoEmitType:
        return await wait_for_item(self.pictures, 1.0)


class Still(AudioVideoStreamHandler):
    def copy(self) -> "Still":
        return Still()

    def receive(self, frame: Audio) -> None:
        pass

    def emit(self) -> AudioEmitType:
        return None

    def video_receive(self, frame: Picture) -> None:
        pass

    def video_emit(self) -> VideoEmitType:
        return np.zeros((48, 64, 3), np.uint8), AdditionalOutputs(1)


def reply(audio: Audio) -> Iterator[EmitType]:
    text = get_stt_model().stt(audio)
    assert_type(text, str)
    for rate, samples in get_tts_model().stream_tts_sync(text):
        assert_type(rate, int)
        yield rate, samples
    yield AdditionalOutputs(text)


async def reply_later(audio: Audio) -> AsyncIterator[EmitType]:
    async for speech in get_tts_model().stream_tts("Hello."):
        yield speech


async def ask() -> AsyncIterator[EmitType]:
    yield 24000, np.zeros(480, np.int16)


def goodbye() -> Iterator[EmitType]:
    yield CloseStream("silence")


async def speak(stream: Stream, webrtc_id: str, tone: Tone) -> None:
    audio: Audio = (24000, np.zeros(480, np.int16))
    handle = tone.say(audio, interruptible=False)
    assert_type(handle, SpeechHandle)
    assert_type(await handle, bool)
    for played in (tone.say(ask()), tone.say(goodbye), stream.say(webrtc_id, "Hello.")):
        print(played.done, played.played)
    tone.interrupt()
    stream.interrupt(webrtc_id)


polite = ReplyOnPause(
    reply, idle={8: ask, 12.0: "Hello?", 20.0: goodbye}, while_thinking=(24000, np.zeros(24000))
)
spoken = Stream(polite, modality="audio", mode="send-receive", voice=get_tts_model())


@webrtc_error_handler
def flip(frame: Picture) -> Picture:
    return np.flip(frame, axis=0)


async def watch(stream: Stream, webrtc_id: str) -> list[str]:
    said: list[str] = []
    async for output in stream.output_stream(webrtc_id):
        assert_type(output, AdditionalOutputs)
        assert_type(output.args, tuple[object, ...])
        said.append(str(output.args[0]))
    return said


def reply_with_tool(audio: Audio) -> Generator[Audio | ToolCall, str, None]:
    weather = yield ToolCall("weather", {"city": "Oslo"}, timeout_s=5)
    assert_type(weather, str)
    yield audio


def streams() -> list[Stream]:
    assert_type(flip(np.zeros((1, 1, 3), np.uint8)), Picture)
    return [
        Stream(Echo(), modality="audio", mode="send-receive"),
        Stream(Tone(), modality="audio", mode="send-receive"),
        Stream(Mirror(), modality="audio-video", mode="send-receive"),
        Stream(Still(), modality="audio-video", mode="send-receive"),
        Stream(ReplyOnPause(reply), modality="audio", mode="send-receive"),
        Stream(ReplyOnPause(reply_with_tool), modality="audio", mode="send-receive"),
        Stream(ReplyOnPause(reply_later), modality="audio", mode="send-receive"),
        Stream(ReplyOnStopWords(reply, ["computer"]), modality="audio", mode="send-receive"),
        Stream(flip, modality="video", mode="send-receive"),
        Stream(VideoStreamHandler(flip, fps=15), modality="video", mode="send-receive"),
    ]
