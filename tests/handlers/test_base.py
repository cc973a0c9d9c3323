"""What all stream handlers have in common, with and without a connection."""

import asyncio
import concurrent.futures
import inspect
import json
import threading
import warnings

import numpy as np
import pytest
from av import AudioFrame

from fastrtc.core.messages import create_message
from fastrtc.handlers.base import StreamHandlerBase
from fastrtc.handlers.link import link_of
from fastrtc.handlers.stream import AsyncStreamHandler, StreamHandler


class Channel:
    """Stands in for a data channel: keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.was_sent = asyncio.Event()

    def send(self, message: str) -> None:
        self.sent.append(message)
        self.was_sent.set()

    @property
    def types(self) -> list[str]:
        return [json.loads(text)["type"] for text in self.sent]


async def connected() -> tuple[StreamHandlerBase, Channel]:
    """A handler that somebody has given a loop and a channel by hand."""
    handler, channel = StreamHandlerBase(), Channel()
    handler._loop = asyncio.get_running_loop()
    handler.set_channel(channel)
    return handler, channel


# Construction


def test_the_order_of_the_arguments_is_fixed():
    handler = StreamHandlerBase("stereo", 16_000, 320, 8_000, 15)

    assert handler.expected_layout == "stereo"
    assert handler.output_sample_rate == 16_000
    assert handler.output_frame_size == 320
    assert handler.input_sample_rate == 8_000
    assert handler.fps == 15


def test_defaults():
    handler = StreamHandlerBase()

    assert handler.expected_layout == "mono"
    assert (handler.output_sample_rate, handler.output_frame_size) == (24_000, 480)
    assert (handler.input_sample_rate, handler.fps) == (48_000, 30)
    assert handler.latest_args == []
    assert not handler.args_set.is_set()
    assert not handler.channel_set.is_set()
    assert handler.channel is None
    assert handler.phone_mode is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"expected_layout": "quad"}, "expected_layout must be 'mono' or 'stereo', not 'quad'"),
        ({"output_sample_rate": 0}, "output_sample_rate must be a positive integer, in Hz, not 0"),
        ({"input_sample_rate": -1}, "input_sample_rate must be a positive integer, in Hz, not -1"),
        ({"fps": 0}, "fps must be a positive number, not 0"),
        ({"input_sample_rate": 22_050.5}, "input_sample_rate .* integer, in Hz, not 22050.5"),
        ({"input_sample_rate": "16000"}, "input_sample_rate .* integer, in Hz, not '16000'"),
        ({"output_sample_rate": 22_049}, "output_sample_rate must be a multiple of 50, not 22049"),
    ],
)
def test_an_argument_that_cannot_be_is_named(arguments, message: str):
    with pytest.raises(ValueError, match=message):
        StreamHandlerBase(**arguments)


@pytest.mark.parametrize("rate", [16_000.0, np.float64(16_000), np.int32(16_000)])
def test_a_rate_of_another_type_of_number_is_an_int(rate):
    handler = StreamHandlerBase(input_sample_rate=rate, output_sample_rate=rate)
    assert type(handler.input_sample_rate) is type(handler.output_sample_rate) is int
    assert handler.input_sample_rate == handler.output_sample_rate == 16_000


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_a_frame_is_20_ms_of_the_output(rate: int):
    assert StreamHandlerBase(output_sample_rate=rate).output_frame_size == rate / 50


def test_a_frame_size_of_20_ms_is_taken_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        StreamHandlerBase("mono", 24_000, 480)


def test_another_frame_size_is_ignored_with_a_warning():
    with pytest.warns(UserWarning, match="output_frame_size is ignored.*480 samples at 24000 Hz"):
        handler = StreamHandlerBase("mono", 24_000, 960)

    assert handler.output_frame_size == 480


# Inputs


def test_inputs_come_after_a_placeholder():
    handler = StreamHandlerBase()

    handler.set_args([0.5, "text"])

    assert handler.latest_args == ["__webrtc_value__", 0.5, "text"]
    assert handler.args_set.is_set()


def test_reset_forgets_that_inputs_were_set_but_keeps_them():
    handler = StreamHandlerBase()
    handler.set_args([1])

    handler.reset()

    assert not handler.args_set.is_set()
    assert handler.latest_args == ["__webrtc_value__", 1]


async def test_inputs_that_were_set_after_a_reset_of_another_thread_are_kept():
    handler, _ = await connected()
    handler.set_args([1])
    thread = threading.Thread(target=handler.reset)
    thread.start()
    thread.join()
    handler.set_args([2])
    await asyncio.sleep(0.01)
    assert handler.args_set.is_set()


async def test_inputs_may_be_set_from_any_thread():
    handler, _ = await connected()
    waiting = asyncio.create_task(handler.wait_for_args())
    await asyncio.sleep(0)

    await asyncio.to_thread(handler.set_args, ["from a thread"])

    await asyncio.wait_for(waiting, 30)
    assert handler.latest_args == ["__webrtc_value__", "from a thread"]


async def test_waiting_asks_the_client_each_time():
    handler, channel = await connected()
    handler.set_args([1])

    await handler.wait_for_args()
    await handler.wait_for_args()

    assert channel.sent == [create_message("send_input", [])] * 2


async def test_waiting_ends_with_the_answer_and_not_before():
    handler, _ = await connected()
    waiting = asyncio.create_task(handler.wait_for_args())
    await asyncio.sleep(0)
    assert not waiting.done()

    handler.set_args([1])

    await asyncio.wait_for(waiting, 30)


async def test_on_the_phone_no_arguments_are_requested():
    handler, channel = await connected()
    handler.phone_mode = True

    await handler.wait_for_args()

    assert handler.phone_mode is True
    assert handler.args_set.is_set()
    assert channel.sent == []


# Code that is not async


async def test_a_thread_waits_for_inputs():
    handler, channel = await connected()
    thread = asyncio.create_task(asyncio.to_thread(handler.wait_for_args_sync))
    await channel.was_sent.wait()
    assert channel.types == ["send_input"]
    assert not thread.done()

    handler.set_args([1])

    await asyncio.wait_for(thread, 30)


async def test_a_thread_on_the_phone_does_not_wait():
    handler, channel = await connected()
    handler.phone_mode = True

    await asyncio.wait_for(asyncio.to_thread(handler.wait_for_args_sync), 30)

    assert handler.args_set.is_set()
    assert channel.sent == []


async def test_a_thread_sends_messages():
    handler, channel = await connected()

    await asyncio.to_thread(handler.send_message_sync, "hello")

    assert channel.sent == ["hello"]


@pytest.mark.parametrize("call", ["wait_for_args_sync", "send_message_sync"])
async def test_what_would_block_the_loop_for_ever_is_refused(call: str):
    handler, _ = await connected()

    with pytest.raises(RuntimeError, match="would block the event loop"):
        getattr(handler, call)(*(["hello"] if call.startswith("send") else []))


def test_without_a_connection_there_is_no_loop_to_wait_on():
    with pytest.raises(RuntimeError, match="no event loop yet"):
        StreamHandlerBase().send_message_sync("hello")


async def test_an_overridden_async_method_serves_its_sync_variant():
    class Shouts(StreamHandlerBase):
        async def send_message(self, msg: str) -> None:
            await super().send_message(msg.upper())

    handler, channel = Shouts(), Channel()
    handler._loop = asyncio.get_running_loop()
    handler.set_channel(channel)

    await asyncio.to_thread(handler.send_message_sync, "hello")

    assert channel.sent == ["HELLO"]


async def test_an_error_while_sending_reaches_the_thread():
    class Closed(Channel):
        def send(self, message: str) -> None:
            raise ConnectionError("closed")

    handler = StreamHandlerBase()
    handler._loop = asyncio.get_running_loop()
    handler.set_channel(Closed())

    with pytest.raises(ConnectionError, match="closed"):
        await asyncio.to_thread(handler.send_message_sync, "hello")


async def test_a_thread_that_waits_ends_with_its_connection():
    handler, channel = await connected()
    tasks: list[asyncio.Task[None]] = []

    def start(coroutine, name: str) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(coroutine, name=name))
        return tasks[-1]

    def wait() -> None:
        with pytest.raises(concurrent.futures.CancelledError):
            handler.wait_for_args_sync()

    link_of(handler).start_task = start  # as a session does
    thread = asyncio.create_task(asyncio.to_thread(wait))
    await channel.was_sent.wait()

    tasks[0].cancel()

    await asyncio.wait_for(thread, 30)


# Messages


async def test_a_message_goes_over_the_channel():
    handler, channel = await connected()

    await handler.send_message("hello")
    await handler.fetch_args()

    assert channel.sent == ["hello", create_message("send_input", [])]
    assert handler.channel is channel


async def test_in_a_session_messages_go_through_its_outbox():
    handler, channel = await connected()
    posted: list[str] = []
    link_of(handler).post = posted.append

    await handler.send_message("hello")

    assert (posted, channel.sent) == (["hello"], [])


async def test_a_message_to_nobody_is_dropped():
    await StreamHandlerBase().send_message("hello")


async def test_the_channel_sets_an_event_from_any_thread():
    handler = StreamHandlerBase()
    handler._loop = asyncio.get_running_loop()
    waiting = asyncio.create_task(handler.channel_set.wait())
    await asyncio.sleep(0)

    await asyncio.to_thread(handler.set_channel, Channel())

    assert await asyncio.wait_for(waiting, 30)


# The rest


def test_clear_queue_does_nothing_until_there_is_a_queue():
    handler, cleared = StreamHandlerBase(), []
    handler.clear_queue()

    handler._clear_queue = lambda: cleared.append(True)
    handler.clear_queue()

    assert cleared == [True]


async def test_the_loop_is_the_running_one_or_the_one_set_by_hand():
    assert StreamHandlerBase().loop is asyncio.get_running_loop()
    handler, other = StreamHandlerBase(), asyncio.new_event_loop()
    handler._loop = other
    assert handler.loop is other
    other.close()


def test_without_a_loop_there_is_none():
    assert not hasattr(StreamHandlerBase(), "loop")
    with pytest.raises(AttributeError, match="StreamHandlerBase has no loop: it is not connected"):
        _ = StreamHandlerBase().loop


def test_resample_brings_frames_to_what_receive_wants():
    handler = StreamHandlerBase(input_sample_rate=16_000)
    samples = np.zeros((1, 2 * 960), np.int16)
    seconds = 0.0
    for number in range(50):
        frame = AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, number * 960
        for made in handler.resample(frame):
            assert (made.sample_rate, made.layout.name, made.format.name) == (16_000, "mono", "s16")
            seconds += made.samples / made.sample_rate

    assert seconds == pytest.approx(1.0, abs=0.02)


async def test_shutdown_of_the_base_may_be_called_and_awaited():
    class Sync(StreamHandlerBase):
        def shutdown(self) -> None:
            super().shutdown()

    class Async(StreamHandlerBase):
        async def shutdown(self) -> str:
            await super().shutdown()
            return "done"

    Sync().shutdown()
    assert await Async().shutdown() == "done"
    assert inspect.isawaitable(StreamHandlerBase().shutdown())


class Echo(StreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.chunks: list[object] = []

    def receive(self, frame) -> None:
        self.chunks.append(frame)

    def emit(self):
        return self.chunks.pop() if self.chunks else None

    def copy(self) -> "Echo":
        return Echo()


def test_a_handler_works_with_no_stream_at_all():
    handler, frame = Echo(), (48_000, np.zeros((1, 960), np.int16))

    handler.start_up()
    handler.receive(frame)

    assert handler.emit() is frame
    assert handler.emit() is None
    handler.reset()
    handler.shutdown()


async def test_an_async_handler_works_with_no_stream_at_all():
    class AsyncEcho(AsyncStreamHandler):
        async def receive(self, frame) -> None:
            self.frame = frame

        async def emit(self):
            return self.frame

        async def start_up(self) -> None:
            await super().start_up()

        async def shutdown(self) -> None:
            await super().shutdown()

        def copy(self) -> "AsyncEcho":
            return AsyncEcho()

    handler, frame = AsyncEcho(), (48_000, np.zeros((1, 960), np.int16))

    await handler.start_up()
    await handler.receive(frame)
    assert await handler.emit() is frame
    await handler.shutdown()


def test_inputs_may_be_set_when_the_loop_has_ended():
    handler = StreamHandlerBase()

    async def connect() -> None:
        handler._loop = asyncio.get_running_loop()

    asyncio.run(connect())
    thread = threading.Thread(target=handler.set_args, args=([1],))
    thread.start()
    thread.join()

    assert handler.args_set.is_set()
