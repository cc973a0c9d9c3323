"""A client and a handler over a real socket: what is said, and what is told beside it."""

import asyncio
import queue
import time
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, WebSocket

from fastrtc import (
    AdditionalOutputs,
    AsyncAudioVideoStreamHandler,
    CloseStream,
    StreamHandler,
    WebRTCError,
    get_current_context,
)
from fastrtc.core import failures as failures_module
from fastrtc.utils import current_channel
from tests.websocket.served import Echo, serve, sine, wait_until

FRAME = 0.02


class SyncEcho(StreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=24000)
        self.heard: queue.Queue[Any] = queue.Queue()
        self.shutdowns = 0

    def copy(self) -> "SyncEcho":
        return SyncEcho()

    def receive(self, frame: Any) -> None:
        self.heard.put(frame)

    def emit(self) -> Any:
        return self.heard.get()

    def shutdown(self) -> None:
        self.shutdowns += 1


class AudioVideoEcho(Echo, AsyncAudioVideoStreamHandler):
    async def video_receive(self, frame: Any) -> None:
        raise AssertionError("there is no video over a WebSocket")

    async def video_emit(self) -> Any:
        raise AssertionError("there is no video over a WebSocket")


def loss_in_db(heard: np.ndarray, rate: int, hertz: float = 1000) -> float:
    """The level of a sine above all else, in the steady part of what was heard."""
    steady = heard[rate // 5 : rate // 5 + rate // 2].astype(float)
    turns = 2 * np.pi * np.arange(len(steady)) * hertz / rate
    basis = np.stack([np.sin(turns), np.cos(turns), np.ones_like(turns)], axis=1)
    fitted = basis @ np.linalg.lstsq(basis, steady, rcond=None)[0]
    return 10 * np.log10(np.mean(fitted**2) / np.mean((steady - fitted) ** 2))


@pytest.mark.parametrize(
    ("handler", "modality"),
    [
        (Echo, "audio"),
        (SyncEcho, "audio"),
        (AudioVideoEcho, "audio-video"),
        (Echo, "video"),  # that of a stream that names none
        (AudioVideoEcho, "video"),
    ],
)
async def test_an_old_client_hears_itself(handler: Any, modality: str) -> None:
    async with serve(handler(), modality=modality) as served, served.client() as client:
        await client.start()
        said = sine(0.5)
        for part in np.split(said, 25):
            await client.say(part)
        heard = await client.hear(0.5)
        mulaw = client.encoding.decode(client.encoding.encode(said))
        assert np.array_equal(
            heard[: len(said)], client.encoding.decode(client.encoding.encode(mulaw))
        )
        assert client.messages == []
        handler = await served.handler()
        await client.send({"event": "stop"})
        assert await client.closed() == 1000
        await served.is_empty()
        await wait_until(lambda: handler.shutdowns == 1)


async def test_the_channel_is_known_where_the_code_runs() -> None:
    seen: list[Any] = []

    class Noting(Echo):
        async def start_up(self) -> None:
            seen.append(current_channel.get())

    async with serve(Noting()) as served, served.client() as client:
        await client.start()
        await wait_until(lambda: seen)
        assert seen == [served.stream.data_channels["a"]]


@pytest.mark.parametrize("binary", [False, True])
async def test_pcm_arrives_as_it_was_sent(binary: bool) -> None:
    async with serve() as served, served.client() as client:
        answer = await client.start(encoding="pcm16", binary=binary)
        assert answer == {
            "event": "started",
            "websocket_id": "a",
            "audio": {
                "encoding": "pcm16",
                "input_sample_rate": 24000,
                "output_sample_rate": 24000,
                "binary": binary,
            },
        }
        said = sine(0.4)
        for part in np.split(said, 20):
            await (client.send(part.tobytes()) if binary else client.say(part))
        assert np.array_equal((await client.hear(0.4))[: len(said)], said)


class Recorder(Echo):
    async def emit(self) -> Any:
        await asyncio.Event().wait()

    def sizes(self) -> list[int]:
        return [len(samples) for _, samples in list(self.heard._queue)]


async def test_what_an_old_client_sends_as_one_message_is_one_block() -> None:
    async with serve(Recorder()) as served, served.client() as client:
        await client.start()
        handler = await served.handler()
        for size in (480, 7, 4096, 100, 24000):
            await client.say(np.zeros(size, np.int16))
        await wait_until(lambda: handler.sizes() == [480, 7, 4096, 100, 24000])


async def test_audio_of_a_client_that_has_negotiated_comes_in_blocks_of_20_ms() -> None:
    async with serve(Recorder()) as served, served.client() as client:
        await client.start(encoding="pcm16", input_sample_rate=44100)
        handler = await served.handler()
        said = sine(1, 44100)
        for part in np.array_split(said, 7):
            await client.say(part)
        await client.send({"event": "stop"})
        assert await client.closed() == 1000
        # all that was sent was received, the end of it with silence to make a block
        assert handler.sizes() == [480] * 51


class SlowRecorder(Recorder):
    async def receive(self, frame: Any) -> None:
        await asyncio.sleep(0.02)
        await super().receive(frame)


class SyncRecorder(StreamHandler):
    """Is slower than its client, as one that loads a model first."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=24000)
        self.received: list[int] = []

    def copy(self) -> "SyncRecorder":
        return SyncRecorder()

    def receive(self, frame: Any) -> None:
        time.sleep(0.02)
        self.received.append(len(frame[1]))

    def emit(self) -> Any:
        time.sleep(0.02)

    def sizes(self) -> list[int]:
        return self.received


@pytest.mark.parametrize("audio", [{}, {"encoding": "pcm16"}])
@pytest.mark.parametrize("kind", [SlowRecorder, SyncRecorder])
async def test_all_that_was_sent_before_a_stop_is_received(
    kind: Any, audio: dict[str, str]
) -> None:
    async with serve(kind()) as served, served.client() as client:
        await client.start(**audio)
        handler = await served.handler()
        for _ in range(50):
            await client.say(sine(FRAME))
        await client.send({"event": "stop"})
        assert await client.closed() == 1000
        # a sync emit that may wait for something is given silence in the end
        assert handler.sizes()[:50] == [480] * 50


@pytest.mark.parametrize(
    ("handler_rate", "sent", "wanted"),
    [
        (24000, 24000, 24000),
        (24000, 48000, 44100),
        (16000, 44100, 48000),
        (48000, 8000, 8000),
        (8000, 48000, 24000),
    ],
)
async def test_a_sine_keeps_60_db_through_every_pcm_path(
    handler_rate: int, sent: int, wanted: int
) -> None:
    async with serve(Echo(handler_rate)) as served, served.client() as client:
        await client.start(encoding="pcm16", input_sample_rate=sent, output_sample_rate=wanted)
        for part in np.array_split(sine(1.2, sent), 71):  # no whole number of frames
            await client.say(part)
        assert loss_in_db(await client.hear(1.0, wanted), wanted) > 60


async def test_over_mulaw_only_the_codec_loses() -> None:
    async with serve(Echo(24000)) as served, served.client() as client:
        await client.start(input_sample_rate=8000, output_sample_rate=48000)
        for part in np.array_split(sine(1.2, 8000), 60):
            await client.say(part)
        assert loss_in_db(await client.hear(1.0, 48000), 48000) > 35


async def test_audio_comes_a_little_ahead_of_its_time_and_no_more() -> None:
    class Talker(Echo):
        async def receive(self, frame: Any) -> None:
            self.heard.put_nowait((24000, sine(2)))

    async with serve(Talker()) as served, served.client() as client:
        await client.start(encoding="pcm16")
        began = time.monotonic()
        await client.say(sine(FRAME))
        await client.hear(2)
        assert 2 - 0.2 - 2 * FRAME < time.monotonic() - began < 2 + 3
        assert {len(part) for part in client.audio} == {480}


async def test_an_old_client_gets_each_chunk_as_one_message_of_a_second_at_most() -> None:
    """As FastRTC 0.0.34 sends them, but for those that are longer."""
    chunks = [(24000, sine(0.1)), (24000, sine(2.5)), (24000, sine(FRAME)), (24000, sine(0.3))]

    class Talker(Echo):
        async def receive(self, frame: Any) -> None:
            for chunk in chunks:
                self.heard.put_nowait(chunk)

    async with serve(Talker()) as served, served.client() as client:
        await client.start()
        began = time.monotonic()
        await client.say(sine(FRAME))
        heard = await client.hear(2.92)
        assert [len(part) for part in client.audio] == [2400, 24000, 24000, 12000, 480, 7200]
        assert time.monotonic() - began > 2.62 - 0.16 - FRAME
        mulaw = client.encoding
        assert np.array_equal(
            heard, mulaw.decode(mulaw.encode(np.concatenate([part for _, part in chunks])))
        )


async def test_resampled_chunks_join_at_an_old_client() -> None:
    class Talker(Echo):
        async def receive(self, frame: Any) -> None:
            for part in np.array_split(sine(0.9, 44100), 3):
                self.heard.put_nowait((44100, np.stack([part, part])))

    async with serve(Talker()) as served, served.client() as client:
        await client.start()
        await client.say(sine(FRAME))
        heard = await client.hear(0.9)
        assert len(client.audio) == 4 and len(heard) == round(0.9 * 24000)
        assert loss_in_db(heard, 24000) > 35


async def test_an_interruption_stops_an_old_client_within_its_last_message() -> None:
    class Interrupted(Echo):
        async def receive(self, frame: Any) -> None:
            if frame[1][0] > 0:
                self.heard.put_nowait((24000, sine(20)))
            else:
                self.clear_queue()
                self.heard.put_nowait((24000, np.full(480, 1000, np.int16)))

    async with serve(Interrupted()) as served, served.client() as client:
        await client.start()
        await client.say(np.full(480, 1000, np.int16))
        await client.hear(1)
        await client.say(np.full(480, -1000, np.int16))
        await client.wait(lambda: len(client.audio[-1]) == 480)
        assert len(client.audio) < 10  # 20 s were given


async def test_an_interruption_clears_what_the_client_has_not_played() -> None:
    class Interrupted(Echo):
        async def receive(self, frame: Any) -> None:
            if frame[1][0] == 1:
                self.heard.put_nowait((24000, sine(20)))
            else:
                self.clear_queue()
                self.heard.put_nowait((24000, np.full(480, 77, np.int16)))

    async with serve(Interrupted()) as served, served.client() as client:
        await client.start(encoding="pcm16")
        await client.say(np.full(480, 1, np.int16))
        await client.hear(0.5)
        await client.say(np.full(480, 2, np.int16))
        await client.wait_for(event="clear")
        before = client.heard_before[client.messages.index({"event": "clear"})]
        await client.wait(lambda: len(client.audio) > before)
        assert (client.audio[before] == 77).all()  # the new reply, at once
        await client.say(np.full(480, 2, np.int16))
        await client.wait(lambda: client.messages.count({"event": "clear"}) == 2)


async def test_an_old_client_is_told_of_no_clear() -> None:
    class Clearing(Echo):
        async def receive(self, frame: Any) -> None:
            self.heard.put_nowait((24000, sine(1)))
            self.clear_queue()
            await self.send_message('{"type": "mine"}')

    async with serve(Clearing()) as served, served.client() as client:
        await client.start()
        await client.say(sine(FRAME))
        await client.hear(0.2)
        await client.say(sine(FRAME))
        await client.wait(lambda: client.messages.count({"type": "mine"}) == 2)
        assert {"event": "clear"} not in client.messages


async def test_a_closed_stream_is_played_to_its_end() -> None:
    class Farewell(Echo):
        async def emit(self) -> Any:
            await self.heard.get()
            return (24000, sine(0.5)), CloseStream("Goodbye")

    async with serve(Farewell()) as served, served.client() as client:
        await client.start(encoding="pcm16")
        began = time.monotonic()
        await client.say(sine(FRAME))
        assert await client.closed() == 1000
        assert time.monotonic() - began > 0.5
        assert sum(map(len, client.audio)) == 12000
        assert client.messages[-1] == {"type": "end_stream", "data": "Goodbye", "code": "server"}
        assert client.socket.close_reason == "Goodbye"


async def test_inputs_outputs_and_messages_go_their_ways() -> None:
    class Asking(Echo):
        async def start_up(self) -> None:
            await self.wait_for_args()
            self.heard.put_nowait(AdditionalOutputs(*self.latest_args))
            self.channel.send('{"type": "mine", "data": 1}')

    async with serve(Asking()) as served, served.client() as client:
        stream = served.stream
        outputs = stream.output_stream("a")
        reading = asyncio.ensure_future(anext(outputs))
        await client.start()
        await client.wait_for(type="send_input", data=[])
        stream.set_input("a", 1, "two")
        assert (await reading).args == ("__webrtc_value__", 1, "two")
        await client.wait_for(type="fetch_output", data=[])
        await client.wait_for(type="mine", data=1)
        await asyncio.to_thread(stream.data_channels["a"].send, '{"type": "theirs"}')
        await client.wait_for(type="theirs")
        with pytest.raises(ValueError, match="args cannot be empty"):
            stream.set_input("a")
        await client.send({"event": "stop"})
        with pytest.raises(StopAsyncIteration):
            await anext(outputs)


async def test_the_context_has_the_socket_everywhere() -> None:
    seen: dict[str, Any] = {}

    class Looking(Echo):
        async def start_up(self) -> None:
            seen["start_up"] = get_current_context()

        async def receive(self, frame: Any) -> None:
            seen["receive"] = get_current_context()
            await super().receive(frame)

        async def emit(self) -> Any:
            seen["emit"] = get_current_context()
            return await super().emit()

        async def shutdown(self) -> None:
            seen["shutdown"] = get_current_context()

    async with serve(Looking()) as served, served.client() as client:
        await client.start("me")
        await client.say(sine(FRAME))
        await client.hear(FRAME)
        (connection,) = served.stream.connections["me"]
        socket = connection.websocket
        assert connection.event_handler is served.stream.handlers["me"]
        await client.send({"event": "stop"})
        await wait_until(lambda: len(seen) == 4)
        assert {context.websocket for context in seen.values()} == {socket}
        assert {context.webrtc_id for context in seen.values()} == {"me"}


async def test_an_error_of_the_handler_is_shown_once_and_one_that_goes_on_ends_it(
    errors: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures_module, "FAILING_LIMIT_S", 0.0)

    class Failing(Echo):
        async def receive(self, frame: Any) -> None:
            raise WebRTCError("No more today")

    async with serve(Failing()) as served, served.client() as client, served.client() as other:
        await other.start("other")
        await client.start()
        for _ in range(2):
            await client.say(sine(FRAME))
        text = (await client.wait_for(type="error"))["data"]
        assert text == "No more today"
        await client.send({"event": "ping"})
        await client.wait_for(event="pong")
        await client.say(sine(FRAME))
        assert await client.closed() == 1011
        told = [m["message"] for m in client.messages if m.get("type") == "error"]
        assert told == [text, f"receive has failed 3 times in 0 s without a success: {text}"]
        assert len(errors()) == 2
        await other.send({"event": "ping"})
        await other.wait_for(event="pong")


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_client_that_only_listens_hears_a_generator(is_async: bool) -> None:
    def talk() -> Any:
        for _ in range(10):
            yield 24000, sine(0.05)

    async def talk_async() -> Any:
        for part in talk():
            yield part

    handler = talk_async if is_async else talk
    async with serve(handler, mode="receive") as served, served.client() as client:
        await client.start(encoding="pcm16")
        await client.say(sine(FRAME))
        await client.wait_for(type="error", message="This stream takes no audio")
        heard = await client.hear(0.5)
        assert np.array_equal(heard, np.tile(sine(0.05), 10))
        assert await client.closed() == 1000
        assert client.messages[-1]["type"] == "end_stream"


async def test_a_client_that_only_speaks_is_heard() -> None:
    class Listener(Echo):
        async def emit(self) -> Any:
            return AdditionalOutputs((await self.heard.get())[1])

    async with serve(Listener(), mode="send") as served, served.client() as client:
        await client.start(encoding="pcm16")
        await client.say(sine(FRAME))
        await client.wait_for(type="fetch_output")
        outputs = await served.stream.fetch_latest_output("a")
        assert np.array_equal(outputs.args[0], sine(FRAME))
        assert client.audio == []


async def test_stereo_handlers_get_both_channels() -> None:
    class Listener(Echo):
        async def emit(self) -> Any:
            return AdditionalOutputs(await self.heard.get())

    handler = Listener(expected_layout="stereo")
    async with serve(handler) as served, served.client() as client:
        await client.start(encoding="pcm16")
        await client.say(sine(FRAME))
        rate, samples = (await served.stream.fetch_latest_output("a")).args[0]
        assert rate == 24000 and samples.shape == (960,)
        assert np.array_equal(samples[::2], sine(FRAME))
        assert np.array_equal(samples[1::2], sine(FRAME))


async def test_the_stream_is_served_below_a_path_and_from_a_route_of_the_program() -> None:
    app = FastAPI()
    served_by: list[Any] = []

    @app.websocket("/websocket/offer")
    async def mine(websocket: WebSocket) -> None:
        await websocket.accept()
        served_by.append(websocket)
        await served.stream.websocket_offer(websocket)

    async with serve(app=app) as served, served.client() as client:
        await client.start(encoding="pcm16")
        await client.say(sine(FRAME))
        await client.hear(FRAME)
        assert len(served_by) == 1
