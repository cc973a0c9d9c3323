"""Which handlers fit which modality and mode, and how one is made for a connection."""

import asyncio
import functools
import threading
from contextvars import ContextVar, copy_context

import pytest

from fastrtc.core.errors import HandlerError, HandlerNotInitialized
from fastrtc.handlers.kinds import (
    check_handler,
    copy_handler,
    copy_handler_in_thread,
    serves,
    video_function,
)
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
    assert "it is available over WebSocket and telephone only" in caplog.text
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
    with pytest.raises(ValueError, match=r"handler is the class .*: pass an instance, My"):
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


class TestCopying:
    class Handler(AsyncStreamHandler):
        async def receive(self, frame): ...

        async def emit(self): ...

        def copy(self):
            return type(self)()

    async def test_it_does_not_hold_up_the_loop(self) -> None:
        class Slow(self.Handler):
            def copy(self):
                assert go.wait(10)
                return super().copy()

        go = threading.Event()
        copying = asyncio.ensure_future(copy_handler_in_thread(Slow(), copy_context()))
        await asyncio.sleep(0)
        go.set()  # which a copy on the loop would never see
        assert isinstance(await copying, Slow)

    async def test_it_sees_the_context_of_the_caller(self) -> None:
        class Reads(self.Handler):
            def copy(self):
                seen.append(caller.get())
                return super().copy()

        seen: list[str] = []
        caller = ContextVar("caller", default="nobody")
        caller.set("Ada")
        await copy_handler_in_thread(Reads(), copy_context())
        assert seen == ["Ada"]

    async def test_one_that_asks_for_the_running_loop_gets_it(self) -> None:
        class Tasks(self.Handler):
            def copy(self):
                threads.append(threading.current_thread())
                made = super().copy()
                made.task = asyncio.get_running_loop().create_task(asyncio.sleep(0))
                return made

        threads: list[threading.Thread] = []
        for _ in range(2):
            await (await copy_handler_in_thread(Tasks(), copy_context())).task
        here = threading.current_thread()
        assert [thread is here for thread in threads] == [False, True, True]

    @pytest.mark.parametrize("error", [ValueError, RuntimeError, StopIteration, SystemExit])
    async def test_what_it_raises_is_raised_as_an_exception(self, error: type) -> None:
        class Fails(self.Handler):
            def copy(self):
                raise error("broken")

        with pytest.raises(Exception) as raised:
            await copy_handler_in_thread(Fails(), copy_context())
        assert "broken" in f"{raised.value} {raised.value.__cause__!r}"

    async def test_a_copy_that_is_not_initialized_is_named(self) -> None:
        class Forgets(self.Handler):
            def __init__(self, known=True):
                if known:
                    super().__init__()

            def copy(self):
                return Forgets(known=False)

        with pytest.raises(HandlerNotInitialized, match="Forgets.__init__.. must call super"):
            await copy_handler_in_thread(Forgets(), copy_context())


def test_a_handler_that_forgets_its_base_class_is_named() -> None:
    class Forgets(AsyncStreamHandler):
        def __init__(self):
            pass

        async def receive(self, frame): ...

        async def emit(self): ...

        def copy(self): ...

    with pytest.raises(ValueError, match=r"Forgets.__init__\(\) must call super\(\).__init__\(\)"):
        check_handler(Forgets(), "audio", "send-receive")


def test_a_video_handler_that_forgets_its_base_class_is_named() -> None:
    class Forgets(VideoStreamHandler):
        def __init__(self):
            pass

    with pytest.raises(ValueError, match=r"Forgets.__init__\(\) must call super\(\).__init__\(\)"):
        check_handler(Forgets(), "video", "send-receive")
