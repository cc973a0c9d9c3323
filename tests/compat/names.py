"""The names of FastRTC without an underscore, by introspection of whichever package is installed.

    python tests/compat/names.py > tests/compat/names.json

with the Python of an environment that has `fastrtc[vad]==0.0.34`, and without `PYTHONPATH`, writes
the list that `test_names.py` holds against our package. It asks for names, signatures, defaults
and types, in the form of `contract.json`:

- of modules: what the package itself made. A name counts unless the same object has the same name
  in a module of another package or of Python's own library too: that is a mere import, and a
  program takes it from there;
- of classes: what they and their bases in the package define. Of other bases, the members are
  kept beside the base's name: they matter to a class that has not that base;
- of objects, some after their construction, some in a connection: their attributes, but for those
  that their bases of other packages give them. Models that need a download are left out.

Names that the package has on purpose not are in `left_out.txt`, each with its reason.
"""

import asyncio
import dataclasses
import importlib
import inspect
import json
import os
import pkgutil
import sys
import typing
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any
from unittest import mock

__all__ = ["instances", "modules"]

PACKAGE = "fastrtc"
LITERALS = (int, float, str, bool, type(None), tuple, list, dict)
ONLY_TYPES = {"ABC", "Generic", "Protocol", "object"}  # bases whose members are no program's


# --- Modules ---------------------------------------------------------------------------------


def modules() -> dict[str, Any]:
    """What each module of the package has, by the module's name."""
    package = importlib.import_module(PACKAGE)
    found = [PACKAGE, *(m.name for m in pkgutil.walk_packages(package.__path__, f"{PACKAGE}."))]
    loaded = {name: importlib.import_module(name) for name in found}
    return {name: _module(module) for name, module in loaded.items()}


def _module(module: ModuleType) -> dict[str, Any]:
    public = {n: v for n, v in sorted(vars(module).items()) if not n.startswith("_")}
    own = {name: value for name, value in public.items() if not _is_import(name, value)}
    made: dict[str, Any] = {"all": sorted(own), "names": [], "functions": {}, "classes": {}}
    for name, value in own.items():
        if not (inspect.isclass(value) or callable(value)):
            continue
        home = getattr(value, "__module__", None) or ""
        if not _of_package(home):
            continue
        if home != module.__name__:
            made["names"].append([name, home])
        elif inspect.isclass(value):
            made["classes"][name] = _class(value)
        elif inspect.isroutine(inspect.unwrap(value)):
            made["functions"][name] = _function(inspect.unwrap(value))
    return made


def _is_import(name: str, value: Any) -> bool:
    if isinstance(value, ModuleType):
        return not _of_package(value.__name__)
    return any(
        vars(module).get(name) is value
        for key, module in list(sys.modules.items())
        if isinstance(module, ModuleType) and key != "__main__" and not _of_package(key)
    )


def _of_package(module: str) -> bool:
    return module.split(".")[0] == PACKAGE


# --- Classes and functions -------------------------------------------------------------------


def _class(cls: type) -> dict[str, Any]:
    own = [base for base in cls.__mro__ if _of_package(base.__module__)]
    made: dict[str, Any] = {"bases": [base.__name__ for base in own[1:]]}
    if typing.is_typeddict(cls):
        return {**made, "typed_dict": sorted(cls.__annotations__)}
    made["outside"] = {
        f"{base.__module__}.{base.__qualname__}": members
        for base in cls.__mro__
        if base not in own and base.__name__ not in ONLY_TYPES
        if (members := [name for name in sorted(vars(base)) if not name.startswith("_")])
    }
    if any("__init__" in vars(base) for base in own):
        made["init"] = _function(cls.__init__)["params"]
    if dataclasses.is_dataclass(cls):
        made["fields"] = [_field(field) for field in dataclasses.fields(cls)]
    if hasattr(cls, "model_fields"):
        made["model_fields"] = {
            name: {"required": field.is_required(), "default": _shown(field.default)}
            for name, field in cls.model_fields.items()
        }
    if abstract := sorted(getattr(cls, "__abstractmethods__", ())):
        made["abstract"] = abstract
    names = {name for base in own for name in vars(base) if not name.startswith("_")}
    made["members"] = {name: _member(cls, name) for name in sorted(names)}
    annotated = {name for base in own for name in inspect.get_annotations(base)}
    made["annotated"] = sorted(name for name in annotated - names if not name.startswith("_"))
    return made


def _member(cls: type, name: str) -> dict[str, Any]:
    value = inspect.getattr_static(cls, name)
    if isinstance(value, property):
        return {"property": True, "settable": value.fset is not None}
    if isinstance(value, staticmethod | classmethod) or inspect.isroutine(value):
        return _function(inspect.unwrap(getattr(cls, name)))
    return {"value": _shown(value)}


def _function(function: Callable[..., Any]) -> dict[str, Any]:
    return {
        "params": _parameters(function),
        "async": inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function),
        "generator": inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function),
    }


def _parameters(function: Callable[..., Any]) -> list[dict[str, str]] | None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [
        {"name": p.name, "kind": p.kind.name}
        | ({} if p.default is p.empty else {"default": _shown(p.default)})
        for p in parameters
    ]


def _field(field: Any) -> dict[str, str]:
    if field.default is not dataclasses.MISSING:
        return {"name": field.name, "default": _shown(field.default)}
    if field.default_factory is not dataclasses.MISSING:
        return {"name": field.name, "default": "<factory>"}
    return {"name": field.name}


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, LITERALS) else f"<{type(value).__name__}>"


# --- Objects ---------------------------------------------------------------------------------


def _handlers() -> dict[str, Any]:
    """Handlers of every kind, and a generator."""
    fastrtc = importlib.import_module(PACKAGE)

    class Sync(fastrtc.StreamHandler):
        def receive(self, frame: Any) -> None: ...
        def emit(self) -> Any: ...
        def copy(self) -> Any:
            return type(self)()

    class Async(fastrtc.AsyncStreamHandler):
        async def receive(self, frame: Any) -> None: ...
        async def emit(self) -> Any:
            await asyncio.sleep(0.02)

        def copy(self) -> Any:
            return type(self)()

    class SyncBoth(Sync, fastrtc.AudioVideoStreamHandler):
        def video_receive(self, frame: Any) -> None: ...
        def video_emit(self) -> Any: ...

    class AsyncBoth(Async, fastrtc.AsyncAudioVideoStreamHandler):
        async def video_receive(self, frame: Any) -> None: ...
        async def video_emit(self) -> Any:
            await asyncio.sleep(0.02)

    class Silence:
        def vad(self, audio: Any, options: Any) -> tuple[float, list[Any]]:
            return 0.0, []

        def warmup(self) -> None: ...

    def reply(audio: Any) -> Iterator[Any]:
        yield from ()

    stop_words = importlib.import_module("fastrtc.reply_on_stopwords")
    with mock.patch.object(stop_words, "get_stt_model", return_value=None):  # it loads one
        on_stop_words = stop_words.ReplyOnStopWords(reply, ["computer"], model=Silence())
    return {
        "StreamHandler": Sync(),
        "AsyncStreamHandler": Async(),
        "AudioVideoStreamHandler": SyncBoth(),
        "AsyncAudioVideoStreamHandler": AsyncBoth(),
        "VideoStreamHandler": fastrtc.VideoStreamHandler(lambda frame: frame),
        "ReplyOnPause": fastrtc.ReplyOnPause(reply, model=Silence()),
        "ReplyOnStopWords": on_stop_words,
    }


def _objects() -> Iterator[tuple[str, Any]]:
    """Objects as they are once they were made."""
    import numpy as np

    fastrtc = importlib.import_module(PACKAGE)
    handlers = _handlers()
    yield from handlers.items()
    yield "AppState", fastrtc.reply_on_pause.AppState()
    yield "ReplyOnStopWordsState", fastrtc.reply_on_stopwords.ReplyOnStopWordsState()
    yield "AlgoOptions", fastrtc.AlgoOptions()
    yield "SileroVadOptions", fastrtc.SileroVadOptions()
    yield "AdditionalOutputs", fastrtc.AdditionalOutputs(1)
    yield "CloseStream", fastrtc.CloseStream("bye")
    yield "Context", fastrtc.utils.Context("id")
    yield "WebRTCError", fastrtc.WebRTCError("broken")
    yield "WebRTCData", fastrtc.WebRTCData(webrtc_id="id", audio=(1, np.zeros(1, np.int16)))
    yield "Body", fastrtc.stream.Body(type="offer", webrtc_id="id")
    handler = _handlers()["StreamHandler"]  # another: a stream may mark the one that it has
    yield "Stream", fastrtc.Stream(handler, modality="audio", verbose=False)
    yield "WebRTC", fastrtc.WebRTC(modality="audio")


def _browser_handler(stream: Any) -> Any:
    from fastrtc.websocket import WebSocketHandler

    async def set_handler(*_: Any) -> None: ...

    return WebSocketHandler(
        stream.event_handler, set_handler, lambda _: None, lambda _: lambda _: None
    )


async def _connected() -> dict[str, Any]:
    """Objects as they are in a connection."""
    found: dict[str, Any] = {}
    handlers = _handlers()
    for kind, modality, mode in [
        ("StreamHandler", "audio", "send-receive"),
        ("StreamHandler", "audio", "receive"),
        ("ReplyOnPause", "audio", "send-receive"),
        ("AsyncAudioVideoStreamHandler", "audio-video", "send-receive"),
        ("VideoStreamHandler", "video", "send-receive"),
        ("VideoStreamHandler", "video", "receive"),
    ]:
        async with _connection(handlers[kind], modality, mode) as stream:
            for number, track in enumerate(stream.connections["id"]):
                found[f"connections[id][{number}], {kind}, {mode}"] = _attributes(track)
            if modality == "audio":
                found[f"handlers[id], {kind}, {mode}"] = _attributes(stream.handlers["id"])
    return found


@asynccontextmanager
async def _connection(handler: Any, modality: str, mode: str) -> AsyncIterator[Any]:
    from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
    from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

    fastrtc = importlib.import_module(PACKAGE)
    stream = fastrtc.Stream(
        handler,
        modality=modality,
        mode=mode,
        verbose=False,
        server_rtc_configuration={"iceServers": []},
    )
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.createDataChannel("text")
    for kind, track in (("audio", AudioStreamTrack), ("video", VideoStreamTrack)):
        if kind in modality:
            receives = mode == "receive"
            pc.addTransceiver(
                kind if receives else track(), direction="recvonly" if receives else "sendrecv"
            )
    await pc.setLocalDescription(await pc.createOffer())
    offer = {"sdp": pc.localDescription.sdp, "type": "offer", "webrtc_id": "id"}
    answer = await stream.handle_offer(offer, set_outputs=stream.set_additional_outputs("id"))
    await pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
    await asyncio.wait_for(_flowing(pc, stream), 20)
    try:
        yield stream
    finally:
        await pc.close()
        stream.clean_up("id")
        await asyncio.sleep(0.2)


async def _flowing(pc: Any, stream: Any) -> None:
    """Wait until it is connected, and the track of the server has got what it gets."""
    track = stream.connections["id"][0]
    while not (  # noqa: ASYNC110
        pc.connectionState == "connected"
        and track.channel is not None
        and getattr(track, "has_started", True)
        and getattr(track, "latest_frame", track) is not None
    ):
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)  # what the reference makes after that


def _attributes(thing: Any) -> dict[str, str]:
    """The attributes of an object and their types; a literal of its own stands for itself."""
    inherited = _given_by_others(type(thing))
    made = {}
    for name in sorted({*dir(thing)} - inherited):
        if name.startswith("_"):
            continue
        try:
            value = getattr(thing, name)
        except AttributeError:
            continue
        scalar = isinstance(value, int | float | str | bool | type(None))
        made[name] = (
            repr(value) if scalar else "<callable>" if callable(value) else f"<{_type(value)}>"
        )
    return made


def _type(value: Any) -> str:
    return type(value).__name__


def _given_by_others(cls: type) -> set[str]:
    others = [base for base in cls.__mro__ if not _of_package(base.__module__)]
    others = [base for base in others if base.__module__ not in (__name__, "__main__")]
    names = {name for base in others for name in dir(base)}
    for base in others:
        if base.__name__ == "MediaStreamTrack":
            names |= set(vars(importlib.import_module("aiortc.mediastreams").AudioStreamTrack()))
        elif base.__name__ == "Component":
            names |= set(vars(importlib.import_module("gradio").HTML()))
    return names


async def instances() -> dict[str, dict[str, str]]:
    """What some objects have, by how they came to be."""
    made = dict(_objects())
    made["WebSocketHandler"] = _browser_handler(made["Stream"])
    return {name: _attributes(thing) for name, thing in made.items()} | await _connected()


async def _main() -> None:
    json.dump(
        {"modules": modules(), "instances": await instances()},
        sys.stdout,
        indent=1,
        sort_keys=True,
    )
    print(flush=True)
    os._exit(0)  # threads of FastRTC 0.0.34 may never end


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    asyncio.run(_main())
