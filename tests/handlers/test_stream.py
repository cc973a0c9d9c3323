"""The classes that users subclass: what must be written, and what need not."""

import inspect

import pytest

from fastrtc.handlers.base import StreamHandlerBase
from fastrtc.handlers.stream import (
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    AudioVideoStreamHandler,
    StreamHandler,
)

AUDIO = {"receive", "emit", "copy"}
BOTH = AUDIO | {"video_receive", "video_emit"}


@pytest.mark.parametrize(
    ("base", "abstract"),
    [
        (StreamHandler, AUDIO),
        (AsyncStreamHandler, AUDIO),
        (AudioVideoStreamHandler, BOTH),
        (AsyncAudioVideoStreamHandler, BOTH),
    ],
)
def test_what_must_be_written(base: type, abstract: set[str]):
    assert base.__abstractmethods__ == abstract
    with pytest.raises(TypeError, match="abstract"):
        base()


@pytest.mark.parametrize(
    ("base", "is_async"),
    [
        (StreamHandler, False),
        (AudioVideoStreamHandler, False),
        (AsyncStreamHandler, True),
        (AsyncAudioVideoStreamHandler, True),
    ],
)
def test_a_class_is_async_throughout_or_not_at_all(base: type, is_async: bool):
    names = {"receive", "emit", "start_up"} | (base.__abstractmethods__ - {"copy"})

    for name in names:
        assert inspect.iscoroutinefunction(getattr(base, name)) is is_async, name
    assert not inspect.iscoroutinefunction(base.copy)


def test_an_audio_video_handler_is_an_audio_handler():
    assert issubclass(AudioVideoStreamHandler, StreamHandler)
    assert issubclass(AsyncAudioVideoStreamHandler, AsyncStreamHandler)
    assert issubclass(StreamHandler, StreamHandlerBase)


class Talker(StreamHandler):
    def __init__(self, voice: str) -> None:
        super().__init__("mono", 16_000, None, 16_000, 10)
        self.voice = voice

    def receive(self, frame) -> None: ...

    def emit(self) -> None: ...

    def copy(self) -> "Talker":
        return Talker(self.voice)


def test_a_subclass_has_a_constructor_of_its_own():
    talker = Talker("af").copy()

    assert (talker.voice, talker.output_sample_rate, talker.fps) == ("af", 16_000, 10)


def test_starting_up_is_optional():
    assert Talker("af").start_up() is None


async def test_starting_up_can_be_awaited_in_the_subclass_of_an_async_handler():
    class Listener(AsyncStreamHandler):
        async def receive(self, frame) -> None: ...

        async def emit(self) -> None: ...

        def copy(self) -> "Listener":
            return Listener()

        async def start_up(self) -> str:
            await super().start_up()
            return "up"

    assert await Listener().start_up() == "up"
