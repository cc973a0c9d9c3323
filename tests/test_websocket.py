"""``WebSocketHandler`` as programs use it and take it apart, without a server."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from fastapi import WebSocket

from fastrtc import AdditionalOutputs, AsyncStreamHandler, get_current_context
from fastrtc.audio.g711 import decode_mulaw, encode_mulaw
from fastrtc.core.context import Call
from fastrtc.core.messages import DataChannel
from fastrtc.transport.socket.events import (
    Audio,
    Dtmf,
    Invalid,
    Mark,
    SocketEvent,
    Start,
    Stop,
)
from fastrtc.websocket import WebSocketDataChannel, WebSocketHandler, convert_to_mulaw

WITHIN = 10


class Ends:
    """Both ends of an ASGI socket: the tests' and a ``WebSocket``."""

    def __init__(self) -> None:
        self.to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.to_client: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.to_server.put_nowait({"type": "websocket.connect"})
        self.websocket = WebSocket({"type": "websocket"}, self.to_server.get, self.to_client.put)

    def say(self, message: Any) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        self.to_server.put_nowait({"type": "websocket.receive", "text": text})

    async def next(self) -> Any:
        """What comes next: a type of ASGI, or a message read from its JSON."""
        message = await asyncio.wait_for(self.to_client.get(), WITHIN)
        return json.loads(message["text"]) if "text" in message else message

    async def wait_for(self, **fields: Any) -> Any:
        while not fields.items() <= (message := await self.next()).items():
            pass
        return message


class Program:
    """What a program gives to a ``WebSocketHandler``, with nothing of ``Stream``."""

    def __init__(self, handler: Any = None, **options: Any) -> None:
        self.ends = Ends()
        self.begun: list[tuple[str, Any]] = []
        self.ended: list[str] = []
        self.outputs: list[tuple[str, Any]] = []
        self.socket = WebSocketHandler(
            handler or Echo(), self.set_handler, self.ended.append, self.factory, **options
        )

    async def set_handler(self, id: str, socket: WebSocketHandler) -> None:
        self.begun.append((id, socket))

    def factory(self, id: str) -> Any:
        return lambda outputs: self.outputs.append((id, outputs.args))


class Echo(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=24000)
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.keys: list[str] = []
        self.ends = 0

    def copy(self) -> "Echo":
        return type(self)()

    async def receive(self, frame: Any) -> None:
        self.heard.put_nowait(frame)

    async def emit(self) -> Any:
        return await self.heard.get()

    async def shutdown(self) -> None:
        self.ends += 1


@pytest_asyncio.fixture
async def run() -> AsyncIterator[Any]:
    """Serves the socket of a program until the test has ended."""
    running: list[tuple[Program, asyncio.Task[None]]] = []

    def begin(program: Program) -> Program:
        task = asyncio.create_task(program.socket.handle_websocket(program.ends.websocket))
        running.append((program, task))
        return program

    yield begin
    for program, task in running:
        program.ends.to_server.put_nowait({"type": "websocket.disconnect", "code": 1005})
        await asyncio.wait_for(task, WITHIN)


def start(id: str = "a", **fields: Any) -> dict[str, Any]:
    return {"event": "start", "websocket_id": id, **fields}


def media(samples: Any) -> dict[str, Any]:
    payload = base64.b64encode(encode_mulaw(np.asarray(samples, np.int16))).decode()
    return {"event": "media", "media": {"payload": payload}}


async def test_a_program_serves_a_socket_without_a_stream(run: Any) -> None:
    program = run(Program())
    assert (await program.ends.next())["type"] == "websocket.accept"
    program.ends.say(start())
    program.ends.say(media(np.full(480, 8)))
    heard = await program.ends.wait_for(event="media")
    assert (decode_mulaw(base64.b64decode(heard["media"]["payload"])) == 8).all()
    assert program.begun == [("a", program.socket)]
    assert program.socket.stream_id == "a"
    assert program.socket.websocket is program.ends.websocket
    program.socket.data_channel.send('{"type": "mine"}')
    await program.ends.wait_for(type="mine")
    assert not program.socket.quit.is_set()
    program.ends.say({"event": "stop"})
    assert (await program.ends.wait_for(type="websocket.close"))["code"] == 1000
    assert program.ended == ["a"]
    assert program.socket.quit.is_set()
    assert program.socket.stream_handler.ends == 1


async def test_a_program_runs_the_very_handler_unless_it_asks_for_copies(run: Any) -> None:
    own, pattern = Echo(), Echo()
    for handler, options in ((own, {}), (pattern, {"copies": True})):
        program = run(Program(handler, **options))
        program.ends.say(start(audio={}))
        await program.ends.wait_for(event="started")
        assert (program.socket.stream_handler is handler) == (handler is own)


async def test_a_program_can_send_while_it_takes_a_connection(run: Any) -> None:
    program = Program()

    async def greet(id: str, socket: WebSocketHandler) -> None:
        socket.data_channel.send('{"type": "hello"}')

    program.socket.set_handler = greet
    run(program)
    program.ends.say(start())
    await program.ends.wait_for(type="hello")


async def test_a_handler_in_phone_mode_is_called_by_telephone(run: Any) -> None:
    handler = Echo()
    handler.phone_mode = True
    program = run(Program(handler))
    program.ends.say({"event": "start", "streamSid": "MZ1", "start": {"streamSid": "MZ1"}})
    program.ends.say(media(np.full(480, 8)))
    heard = await program.ends.wait_for(event="media")
    assert heard["streamSid"] == "MZ1"
    assert program.begun == [("MZ1", program.socket)]


async def test_nothing_begins_when_a_program_has_ended_the_socket(run: Any) -> None:
    program = run(Program())
    assert (await program.ends.next())["type"] == "websocket.accept"
    program.socket.quit.set()
    program.ends.say(start())
    assert (await program.ends.wait_for(type="websocket.close"))["code"] == 1000
    assert program.begun == program.ended == []


async def test_a_program_that_closes_the_socket_refuses_the_connection(run: Any) -> None:
    program = Program()

    async def refuse(id: str, socket: WebSocketHandler) -> None:
        await socket.websocket.send_json({"status": "failed"})
        await socket.websocket.close()

    program.socket.set_handler = refuse
    run(program)
    program.ends.say(start())
    await program.ends.wait_for(status="failed")
    await program.ends.wait_for(type="websocket.close")
    assert program.ended == []


async def test_the_class_may_be_given_another_way_to_ask_for_audio(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts: list[Any] = []

    async def mine(self: WebSocketHandler) -> None:
        contexts.append(get_current_context())
        while not self.quit.is_set():
            output = await self.emit_with_context()
            self.queue.put_nowait(None)
            self.queue.put_nowait(output)
            await self.queue.put(AdditionalOutputs("and more"))

    monkeypatch.setattr(WebSocketHandler, "_emit_to_queue", mine)
    program = run(Program())
    program.ends.say(start())
    program.ends.say(media(np.full(480, 8)))
    wanted = {"media", "fetch_output"}
    while wanted:
        message = await program.ends.next()
        wanted -= {message.get("event"), message.get("type")}
    assert program.outputs == [("a", ("and more",))]
    assert contexts[0].websocket is program.ends.websocket


async def test_what_is_queued_by_a_program_can_be_cleared(run: Any) -> None:
    class Silent(Echo):
        async def receive(self, frame: Any) -> None:
            contexts.append(get_current_context().webrtc_id)

    contexts: list[str] = []
    program = run(Program(Silent()))
    program.ends.say(start(audio={}))
    await program.ends.wait_for(event="started")
    socket = program.socket
    socket.queue.put_nowait((24000, np.ones(24000, np.int16)))
    await program.ends.wait_for(event="media")
    await asyncio.to_thread(socket._clear_queue)
    await program.ends.wait_for(event="clear")
    assert socket.queue.empty()
    await socket.receive_with_context((24000, np.zeros(480, np.int16)))
    assert contexts == ["a"]
    socket.set_args(["x"])
    assert socket.stream_handler.latest_args == ["__webrtc_value__", "x"]


async def test_a_handler_that_is_not_served_can_be_called() -> None:
    program = Program()
    await program.socket.receive_with_context((24000, "frame"))
    assert await program.socket.emit_with_context() == (24000, "frame")
    program.socket._clear_queue()
    program.socket.set_args([1])
    assert program.socket.event_handler.latest_args == ["__webrtc_value__", 1]


class Phone:
    """A protocol of the simplest kind: words instead of JSON."""

    def __init__(self) -> None:
        self.marks: list[str] = []

    def receive(self, message: str | bytes) -> list[SocketEvent]:
        word, _, rest = str(message).partition(" ")
        if word == "call":
            call = Call("test", from_number=rest)
            return [Start("call-1", "alaw", 8000, 8000, call=call)]
        if word == "audio":
            return [Audio(bytes.fromhex(rest))]
        if word in ("key", "mark"):
            return [Dtmf(rest) if word == "key" else Mark(rest)]
        if word == "hangup":
            return [Stop()]
        return [Invalid("What?", 1003)]

    def started(self, start: Start) -> None: ...

    def audio(self, payload: bytes) -> str:
        return json.dumps({"audio": len(payload)})

    def clear(self) -> str:
        return json.dumps({"clear": True})

    def mark(self, name: str) -> str:
        self.marks.append(name)
        return json.dumps({"mark": name})

    def pong(self) -> None: ...

    def message(self, text: str) -> None: ...


class Answering(Echo):
    async def receive_dtmf(self, digit: str) -> None:
        self.keys.append(digit)
        self.call = get_current_context().phone_call
        if digit == "#":
            await self.send_message("never sent to a phone")
            self.heard.put_nowait((8000, np.ones(800, np.int16)))


async def test_a_phone_call_has_keys_marks_and_its_data_in_the_context(run: Any) -> None:
    phone = Phone()
    program = run(Program(Answering(), protocol=phone))
    assert (await program.ends.next())["type"] == "websocket.accept"
    program.ends.say("call +155")
    program.ends.say("key 1")
    program.ends.say("key #")
    for _ in range(5):
        assert await program.ends.next() == {"audio": 160}
    mark = await program.ends.next()
    assert mark == {"mark": phone.marks[0]}
    handler = program.socket.stream_handler
    assert handler.keys == ["1", "#"] and handler.phone_mode
    assert handler.call.from_number == "+155"
    assert program.begun == [("call-1", program.socket)]
    program.ends.say(f"mark {phone.marks[0]}")
    program.ends.say("hangup")
    assert (await program.ends.next())["type"] == "websocket.close"


async def test_a_protocol_may_say_that_it_cannot_go_on(run: Any) -> None:
    program = run(Program(protocol=Phone()))
    program.ends.say("nonsense")
    closed = await program.ends.wait_for(type="websocket.close")
    assert (closed["code"], closed["reason"]) == (1003, "What?")
    assert program.begun == []


async def test_a_channel_passes_texts_on() -> None:
    assert DataChannel in WebSocketDataChannel.__mro__
    sent: list[str] = []
    WebSocketDataChannel(None, asyncio.get_running_loop(), sent.append).send("a")
    assert sent == ["a"]


async def test_a_channel_of_a_program_sends_over_its_websocket() -> None:
    sent: asyncio.Queue[str] = asyncio.Queue()

    class Socket:
        async def send_text(self, text: str) -> None:
            await sent.put(text)

    channel = WebSocketDataChannel(Socket(), asyncio.get_running_loop())  # type: ignore[arg-type]
    await asyncio.to_thread(channel.send, "a")
    assert await asyncio.wait_for(sent.get(), 5) == "a"


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_audio_is_written_in_mulaw_at_another_rate(dtype: type) -> None:
    turns = 2 * np.pi * 440 * np.arange(24000) / 24000
    wave = np.sin(turns) * (0.5 if dtype is np.float32 else 16000)
    written = convert_to_mulaw(wave.astype(dtype), 24000, 8000)
    assert isinstance(written, bytes) and len(written) == 8000
    again = decode_mulaw(written).astype(float)
    expected = 16000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    assert np.abs(again - expected)[100:-100].max() < 900
