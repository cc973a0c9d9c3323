"""Which handlers fit which modality and mode, and how one is made for a connection."""

import functools

import pytest

from fastrtc.core.errors import HandlerError
from fastrtc.handlers.kinds import check_handler, copy_handler, serves, video_function
from fastrtc.handlers.stream import (
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    AudioVideoStreamHandler,
    StreamHandler,
)
from fastrtc.handlers.video import VideoStreamHandler


def function(frame):
    return frame


def made(base: type) -> object:
    """An instance of a subclass that has the abstract methods."""

    def copy(self):
        return type(self)()

    methods = dict.fromkeys(base.__abstractmethods__, function) | {"copy": copy}
    return type(f"My{base.__name__}", (base,), methods)()


AUDIO, ASYNC_AUDIO = made(StreamHandler), made(AsyncStreamHandler)
BOTH, ASYNC_BOTH = made(AudioVideoStreamHandler), made(AsyncAudioVideoStreamHandler)
OPTIONS = VideoStreamHandler(function)
PARTIAL = functools.partial(function)

MODES = ("send-receive", "send", "receive")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("modality", "handlers"),
    [
        ("audio", [AUDIO, ASYNC_AUDIO, BOTH, ASYNC_BOTH]),
        ("video", [function, PARTIAL, OPTIONS, BOTH, ASYNC_BOTH]),
        ("audio-video", [BOTH, ASYNC_BOTH]),
    ],
)
def test_handlers_that_fit(modality, mode, handlers):
    for handler in handlers:
        check_handler(handler, modality, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("handler", [AUDIO, ASYNC_AUDIO])
def test_an_audio_handler_of_a_stream_that_names_no_modality(handler, mode, caplog):
    check_handler(handler, "video", mode)

    assert not serves(handler, "video")
    assert "it is reached over WebSocket and by telephone only" in caplog.text
    assert all(serves(one, "audio") for one in (AUDIO, ASYNC_AUDIO, BOTH, function))
    assert all(serves(one, "video") for one in (BOTH, ASYNC_BOTH, function, OPTIONS))


@pytest.mark.parametrize("handler", [function, PARTIAL, str.split])
def test_a_generator_function_gives_audio(handler):
    check_handler(handler, "audio", "receive")


@pytest.mark.parametrize(
    ("handler", "modality", "mode", "wanted"),
    [
        (function, "audio", "send-receive", "an instance of StreamHandler.*not the function func"),
        (function, "audio", "send", "an instance of StreamHandler"),
        (OPTIONS, "audio", "receive", "a generator function of audio.*not an instance of VideoS"),
        (None, "audio", "send-receive", "not None"),
        ("text", "video", "receive", "not an instance of str"),
        (VideoStreamHandler("no function"), "video", "send-receive", "a function of a frame"),
        (AUDIO, "audio-video", "send-receive", "AudioVideoStreamHandler or AsyncAudioVideo"),
        (function, "audio-video", "receive", "AudioVideoStreamHandler or AsyncAudioVideo"),
    ],
)
def test_a_handler_that_does_not_fit_is_told_what_would(handler, modality, mode, wanted: str):
    with pytest.raises(ValueError, match=f"handler for modality='{modality}'.*must be.*{wanted}"):
        check_handler(handler, modality, mode)


def test_a_class_in_place_of_an_instance_is_told_so():
    with pytest.raises(ValueError, match=r"handler is the class .*: give an instance, My"):
        check_handler(type(AUDIO), "audio", "send-receive")


def test_modality_and_mode_must_be_words_that_there_are():
    with pytest.raises(ValueError, match="Modality must be 'video', 'audio' or 'audio-video'"):
        check_handler(function, "sound", "send-receive")
    with pytest.raises(ValueError, match="mode must be 'send-receive', 'receive' or 'send'"):
        check_handler(function, "video", "both")


def test_the_function_of_a_video_handler():
    assert video_function(OPTIONS) is function
    assert video_function(function) is function


def test_each_connection_has_a_copy_of_a_stream_handler():
    copy = copy_handler(AUDIO)

    assert copy is not AUDIO
    assert type(copy) is type(AUDIO)


@pytest.mark.parametrize("handler", [function, PARTIAL, OPTIONS])
def test_functions_serve_all_connections(handler):
    assert copy_handler(handler) is handler


def test_a_copy_that_is_no_handler_is_named():
    class Forgetful(type(AUDIO)):
        def copy(self) -> None:
            type(self)()

    with pytest.raises(HandlerError, match=r"Forgetful.copy\(\) must return a handler, not None"):
        copy_handler(Forgetful())
