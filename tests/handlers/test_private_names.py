"""Subclasses of the handlers may have any private name: none of ours is beside theirs."""

import ast
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastrtc
from fastrtc import (
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    AudioVideoStreamHandler,
    ReplyOnPause,
    ReplyOnStopWords,
    Stream,
    StreamHandler,
)
from tests.support.models import Energy
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone

OF_THE_REFERENCE = {"_needs_additional_inputs", "_close_generator", "_loop", "_clear_queue"}
"""Private names of FastRTC 0.0.34, which programs override or assign."""

RATE = 48000
LOUD = 3000


def private_names() -> set[str]:
    """Every private name in our modules that could be an attribute of a handler."""
    root = Path(fastrtc.__file__).parent
    found: set[str] = set()
    for part in ("handlers", "turns", "session"):
        for path in (root / part).glob("*.py"):
            found |= names_in(path)
    for name in ("reply_on_pause.py", "reply_on_stopwords.py", "websocket.py"):
        found |= names_in(root / name)
    return found - OF_THE_REFERENCE


def names_in(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
    return {name for name in names if name.startswith("_") and not name.endswith("__")}


class Taken:
    """Stands where a name is taken: whoever uses it as theirs fails."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a name of the program's was called")


class Recogniser:
    def stt(self, audio: Any) -> str:
        return "hello computer"


def answer(audio: Any) -> Any:
    yield RATE, tone(0.3)


class OfPause(ReplyOnPause):
    def __init__(self) -> None:
        super().__init__(answer, model=Energy())


class OfStopWords(ReplyOnStopWords):
    def __init__(self) -> None:
        super().__init__(answer, ["computer"], model=Energy(), stt_model=Recogniser())


class OfStream(StreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.got = 0

    def receive(self, frame: Any) -> None:
        self.got += 1

    def emit(self) -> Any:
        return (RATE, tone(0.1)) if self.got else None

    def copy(self) -> Any:
        return type(self)()


class OfAsync(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.got = 0

    async def receive(self, frame: Any) -> None:
        self.got += 1

    async def emit(self) -> Any:
        return (RATE, tone(0.1)) if self.got else None

    def copy(self) -> Any:
        return type(self)()


class OfVideo(AudioVideoStreamHandler, OfStream):
    def video_receive(self, frame: Any) -> None: ...

    def video_emit(self) -> None: ...

    copy = OfStream.copy


class OfAsyncVideo(AsyncAudioVideoStreamHandler, OfAsync):
    async def video_receive(self, frame: Any) -> None: ...

    async def video_emit(self) -> None: ...

    copy = OfAsync.copy


KINDS = [OfPause, OfStopWords, OfStream, OfAsync, OfVideo, OfAsyncVideo]


def with_taken(kind: type, names: set[str]) -> type:
    """A subclass in which each of the names is a method, and an attribute of each instance."""

    def __init__(self: Any) -> None:
        kind.__init__(self)
        for name in names:
            setattr(self, name, Taken())

    return type(
        f"Taken{kind.__name__}", (kind,), {"__init__": __init__, **dict.fromkeys(names, Taken())}
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_instance_has_no_private_attribute_of_ours(kind: type) -> None:
    handler = kind()
    private = {name for name in vars(handler) if name.startswith("_")}
    assert private == {"__fastrtc_link__"}


@pytest.mark.parametrize(
    "kind", [ReplyOnPause, ReplyOnStopWords, StreamHandler, AsyncStreamHandler]
)
def test_a_class_has_no_private_attribute_of_ours(kind: type) -> None:
    ours = {
        name
        for base in inspect.getmro(kind)
        if base.__module__.startswith("fastrtc")
        for name in vars(base)
        if name.startswith("_") and not name.endswith("__") and not name.startswith("_abc_")
    }
    assert ours <= OF_THE_REFERENCE


@pytest.mark.parametrize("kind", KINDS)
async def test_a_subclass_that_has_all_our_names_works(kind: type) -> None:
    names = private_names()
    assert {"_lock", "_reply", "_pending", "_tasks", "_post", "_start_reply"} <= names
    handler = with_taken(kind, names)()
    silence, loud = np.zeros(RATE // 2, np.int16), tone(1.5, amplitude=12000)
    said = np.concatenate([silence, loud, silence, silence, loud, np.zeros(4 * RATE, np.int16)])
    stream = Stream(handler, modality="audio", mode="send-receive", server_rtc_configuration=LOCAL)
    async with Client(stream, audio=AudioSource(said)) as client:
        await eventually(client.loud)
        running = client.session.handler
        assert all(isinstance(getattr(running, name), Taken) for name in names)
        if isinstance(handler, ReplyOnPause):
            await client.message("log", "response_starting")
        if isinstance(handler, ReplyOnStopWords):
            await client.message("stopword")
        running.clear_queue()
        await running.send_message(json.dumps({"type": "mine", "data": 1}))
        await client.message("mine")
        assert client.of_type("error") == []


@pytest.mark.parametrize("name", ["_loop", "_clear_queue"])
def test_names_that_programs_assign_are_taken_over(name: str) -> None:
    handler = OfStream()
    cleared: list[bool] = []
    setattr(handler, name, lambda: cleared.append(True))
    if name == "_clear_queue":
        handler.clear_queue()
        assert cleared == [True]
    else:
        assert handler.loop is handler._loop
