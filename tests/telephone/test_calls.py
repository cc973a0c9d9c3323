"""Calls from their first message to their last, over a real socket to a real server."""

import asyncio
import base64
import json
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import httpx
import numpy as np
import pytest
import websockets
from fastapi import FastAPI
from twilio.request_validator import RequestValidator

from fastrtc import (
    AdditionalOutputs,
    AsyncStreamHandler,
    CloseStream,
    ReplyOnPause,
    Stream,
    get_current_context,
    wait_for_item,
)
from fastrtc.server import telephone
from fastrtc.transport.socket import connection
from fastrtc.transport.telephony import telnyx, twilio
from fastrtc.transport.telephony.twilio import Twilio
from tests.support.connections import connections_of
from tests.support.peers import eventually
from tests.support.servers import serving
from tests.support.speech import find_in, recorded_prompt, spaced, trimmed
from tests.support.stalls import Stalls
from tests.telephone.phone import (
    FRAME,
    MULAW,
    RATE,
    AlawTelnyx,
    L16Plivo,
    Phone,
    Plivo,
    Provider,
    Telnyx,
)
from tests.testing.test_pausing import PAUSES, Storyteller, phone_noise


@contextmanager
def line(handler: Any, **options: Any) -> Iterator[tuple[Stream, str]]:
    """A stream that can be called; gives its address, too."""
    options = {"modality": "audio", "verbose": False, "concurrency_limit": 10} | options
    stream, app = Stream(handler, **options), FastAPI()
    stream.mount(app)
    with serving(app) as url:
        yield stream, url
        # whatever a call was like, nothing of it is left
        deadline = time.monotonic() + 30
        while not _is_idle(stream) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert _is_idle(stream)


def _is_idle(stream: Stream) -> bool:
    by_id = (stream.handlers, stream.connections, stream.data_channels, stream.additional_outputs)
    return (
        len(connections_of(stream).registry) == 0
        and not any(by_id)
        and not connections_of(stream).registry._closing
    )


class Echo(AsyncStreamHandler):
    """Says what it hears, and notes what happens to it."""

    def __init__(self, made: list["Echo"] | None = None) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self.made: list[Echo] = [] if made is None else made
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.calls: dict[str, Any] = {}
        self.shapes: set[tuple[int, str, int]] = set()
        self.shutdowns = 0

    def copy(self) -> "Echo":
        self.made.append(Echo(self.made))
        return self.made[-1]

    async def start_up(self) -> None:
        self.calls["start_up"] = get_current_context().phone_call

    async def receive(self, frame: Any) -> None:
        self.calls["receive"] = get_current_context().phone_call
        self.shapes.add((frame[0], frame[1].dtype.name, frame[1].ndim))
        self.heard.put_nowait(frame)

    async def emit(self) -> Any:
        self.calls["emit"] = get_current_context().phone_call
        return await wait_for_item(self.heard)

    async def shutdown(self) -> None:
        self.calls["shutdown"] = get_current_context().phone_call
        self.shutdowns += 1


@pytest.fixture(scope="module")
def goodbye() -> np.ndarray:
    """A woman says "goodbye", recorded at 8 kHz."""
    return trimmed(recorded_prompt("vm-goodbye", rate=RATE), RATE)


# Audio both ways


@pytest.mark.external("recorded-voices")
@pytest.mark.parametrize(
    "provider", [Provider, Telnyx, AlawTelnyx, Plivo, L16Plivo], ids=lambda p: p.__name__
)
async def test_a_caller_is_heard_and_hears(provider: type[Provider], goodbye: np.ndarray):
    echo = Echo()
    with line(echo) as (stream, url):
        async with Phone(url, provider, shop="flowers") as phone:
            await phone.say(goodbye)
            await eventually(lambda: find_in(phone.played, goodbye).likeness > 0.95)
            (handler,) = echo.made
            assert stream.handlers[phone.id] is handler
            assert stream.connections[phone.id][0].websocket is not None
            assert handler.phone_mode
            await phone.hang_up()
        await eventually(lambda: handler.shutdowns)

    assert handler.shapes == {(RATE, "int16", 1)}
    for place in ("start_up", "receive", "emit", "shutdown"):
        call = handler.calls[place]
        assert call.provider in provider.__name__.lower().replace("provider", "twilio"), place
        assert phone.id in call.id
        assert call.parameters["shop"] == "flowers"
    assert handler.shutdowns == 1


async def test_the_numbers_of_the_webhook_reach_the_handler():
    echo = Echo()
    with line(echo) as (_, url):
        numbers = {"From": "+15550100", "To": "+15550199"}
        async with httpx.AsyncClient() as client:
            twiml = (await client.post(f"{url}/telephone/incoming", data=numbers)).text
        assert 'name="from" value="+15550100"' in twiml
        assert f"wss://{url.removeprefix('http://')}/telephone/handler" in twiml
        async with Phone(url, **{"from": "+15550100", "to": "+15550199"}):
            await eventually(lambda: echo.made and "emit" in echo.made[0].calls)

    call = echo.made[0].calls["emit"]
    assert (call.from_number, call.to_number) == ("+15550100", "+15550199")


@pytest.mark.parametrize(
    ("provider", "payload"),
    [(Telnyx, b"\xce"), (AlawTelnyx, b"\xfa"), (Plivo, b"\xce"), (L16Plivo, b"\xe8\x03")],
    ids=lambda it: getattr(it, "__name__", ""),
)
async def test_audio_is_written_as_the_start_says(provider: type[Provider], payload: bytes):
    """1000 in mu-law and A-law, by ITU-T G.711 tables 2a and 1a."""
    payloads: list[bytes] = []

    class Listening(provider):
        def read(self, message: dict[str, Any]) -> tuple[str, str]:
            event, content = super().read(message)
            if event == "media":
                payloads.append(base64.b64decode(content))
            return event, content

    class Constant(Echo):
        def copy(self) -> "Constant":
            return Constant()

        async def emit(self) -> Any:
            return (RATE, np.full(160, 1000, np.int16)) if self.shapes else None

    with line(Constant()) as (_, url):
        async with Phone(url, Listening):
            await eventually(lambda: len(payloads) > 20)

    assert payload * 160 in payloads


async def test_only_the_codec_loses_anything():
    rate, frequency = 24000, 1000.0

    class Tone(Echo):
        def copy(self) -> "Tone":
            return Tone()

        async def start_up(self) -> None:
            self.at = 0

        async def emit(self) -> Any:
            if self.at >= 2 * rate:
                return None
            t = np.arange(self.at, self.at + 480) / rate
            self.at += 480
            return rate, (8000 * np.sin(2 * np.pi * frequency * t)).astype(np.int16)

    with line(Tone()) as (_, url):
        async with Phone(url) as phone:
            await eventually(lambda: phone.heard.size > 1.9 * RATE)

    def noise_db(samples: np.ndarray) -> float:
        """How far everything but the tone is below the tone."""
        t = np.arange(samples.size) * 2 * np.pi * frequency / RATE
        tones = np.stack((np.sin(t), np.cos(t)), axis=1)
        fit, *_ = np.linalg.lstsq(tones, samples.astype(float), rcond=None)
        tone = tones @ fit
        return 10 * np.log10(np.sum(tone**2) / np.sum((samples - tone) ** 2))

    heard = phone.heard[RATE // 2 : -RATE // 2]
    t = np.arange(heard.size) / RATE + 1e-4  # not at the same few phases all the time
    best = MULAW.decode(MULAW.encode((8000 * np.sin(2 * np.pi * frequency * t)).astype(np.int16)))
    assert noise_db(heard) > noise_db(best) - 3


@pytest.mark.parametrize("provider", [Provider, Telnyx, L16Plivo], ids=lambda p: p.__name__)
async def test_a_handler_of_another_rate_gets_20_ms_each_time(provider: type[Provider]):
    class Wide(Echo):
        def __init__(self, made: list[Echo] | None = None) -> None:
            super().__init__(made)
            self.input_sample_rate = 24000

        async def emit(self) -> None:
            await asyncio.Event().wait()

        def copy(self) -> Echo:
            self.made.append(Wide(self.made))
            return self.made[-1]

    wide = Wide()
    with line(wide) as (_, url):
        async with Phone(url, provider):
            await eventually(lambda: wide.made and wide.made[0].heard.qsize() > 50)
    sizes = {samples.shape for _, samples in list(wide.made[0].heard._queue)}
    assert sizes == {(480,)}  # the first, too


# Conversations


class Conversation:
    """A reply function, and what became of its replies."""

    def __init__(self, reply_s: float = 0.0) -> None:
        self.reply_s = reply_s
        self.asked: list[tuple[int, np.ndarray, tuple[Any, ...]]] = []
        self.calls: list[Any] = []
        self.interrupted: list[float] = []

    def __call__(self, audio: tuple[int, np.ndarray], *history: Any) -> Iterator[Any]:
        self.asked.append((*audio, history))
        self.calls.append(get_current_context().phone_call)
        if self.reply_s:
            t = np.arange(RATE // 10) / RATE
            for _ in range(round(self.reply_s * 10)):
                yield RATE, (6000 * np.sin(2 * np.pi * 440 * t)).astype(np.int16)
        else:
            yield audio
        yield AdditionalOutputs(len(self.asked))

    def handler(self, **options: Any) -> ReplyOnPause:
        options = {"input_sample_rate": RATE, "output_sample_rate": RATE} | options
        return ReplyOnPause(self, on_interrupt=self.interrupted.append, **options)


@pytest.mark.external("recorded-voices")
async def test_a_caller_is_answered_when_they_pause(goodbye: np.ndarray):
    talk = Conversation()
    with line(talk.handler()) as (_, url):
        async with Phone(url) as phone:
            for _ in range(2):
                await phone.say(spaced(0.3, goodbye, 0.2, rate=RATE))
                await eventually(lambda: find_in(phone.played, goodbye).likeness > 0.9)
                await eventually(phone.is_quiet)
                phone.played = np.zeros(0, np.int16)

    assert [history for *_, history in talk.asked] == [(), (1,)], "outputs become arguments"
    assert all(call.id == f"CA-{phone.id}" for call in talk.calls)
    assert phone.cleared_at == []


@pytest.mark.external("recorded-voices")
@pytest.mark.parametrize("delay_s", [0.0, 0.6])
async def test_a_caller_interrupts_a_reply(goodbye: np.ndarray, delay_s: float):
    talk = Conversation(reply_s=20)
    stalls = Stalls()
    stalls.watch()
    with line(talk.handler()) as (_, url):
        async with Phone(url, delay_s=delay_s) as phone:
            await phone.say(spaced(0.2, goodbye, 0.2, rate=RATE))
            await eventually(lambda: phone.played.size > 1.5 * RATE)
            began = asyncio.get_running_loop().time()
            speaking = asyncio.ensure_future(phone.say(spaced(goodbye, 1.0, rate=RATE)))
            await eventually(lambda: phone.cleared_at and talk.interrupted)
            played_s = phone.played.size / RATE
            arrived_s = phone.heard.size / RATE
            await speaking

    stalls.end()
    cleared = phone.cleared_at[0]
    assert cleared - began < 2.0 + stalls.longest(began, cleared)
    assert arrived_s < 8, "what is sent is paced, so that there is little to drop"
    assert phone.marks
    # what the phone has played, by the marks: not what was made, nor what was sent
    assert talk.interrupted[0] == pytest.approx(played_s, abs=0.3 + stalls.total(began))


@pytest.mark.external("recorded-voices")
async def test_a_phone_that_echoes_no_marks_is_interrupted_and_heard_to_the_end(
    goodbye: np.ndarray,
):
    talk = Conversation(reply_s=1)
    with line(talk.handler(can_interrupt=False)) as (_, url):
        async with Phone(url, echo_marks=False) as phone:
            for turn in (1, 2):
                await phone.say(spaced(0.2, goodbye, 1.5, rate=RATE))
                await eventually(lambda n=turn: len(talk.asked) >= n)
                await eventually(lambda: phone.arrived and phone.is_quiet())

    assert len(talk.asked) == 2


@pytest.mark.parametrize("provider", [Provider, Telnyx, Plivo], ids=lambda p: p.__name__)
async def test_a_pause_takes_back_what_was_not_played(provider: type[Provider]):
    story = phone_noise()
    frames = [frame.tobytes() for frame in story.reshape(-1, FRAME)]

    with line(Storyteller(RATE, story)) as (_, url):
        async with Phone(url, provider) as phone:
            await eventually(lambda: phone.played.any())
            await eventually(phone.is_quiet, 20)
            await eventually(lambda: len(phone.cleared_at) == len(PAUSES) and phone.is_quiet(), 20)
            played = phone.played[phone.played != 0]
    heard = [frames.index(frame.tobytes()) for frame in played.reshape(-1, FRAME)]
    assert sorted(set(heard)) == list(range(len(frames)))
    back = [step for step in np.diff(heard) if step != 1]  # repeated on a busy machine
    assert len(back) <= len(PAUSES) and min(back, default=0) >= -12, heard


# Keys


@pytest.mark.parametrize("provider", [Provider, Telnyx, Plivo], ids=lambda p: p.__name__)
@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_keys_reach_the_handler(provider: type[Provider], kind: str):
    pressed: list[tuple[str, str]] = []

    class Menu(Echo):
        def copy(self) -> "Menu":
            return type(self)()

    class AsyncMenu(Menu):
        async def receive_dtmf(self, digit: str) -> None:
            await asyncio.sleep(0.01)
            pressed.append((digit, get_current_context().phone_call.provider))

    class SyncMenu(Menu):
        def receive_dtmf(self, digit: str) -> None:
            time.sleep(0.01)
            pressed.append((digit, get_current_context().phone_call.provider))

    with line(AsyncMenu() if kind == "async" else SyncMenu()) as (_, url):
        async with Phone(url, provider) as phone:
            for digit in "12*#0":
                await phone.press(digit)
            await eventually(lambda: len(pressed) == 5)

    name = provider.__name__.lower().replace("provider", "twilio")
    assert pressed == [(digit, name) for digit in "12*#0"]


# Ends


@pytest.fixture
def long_flush(monkeypatch: pytest.MonkeyPatch) -> float:
    """For how long marks are awaited at the end, in seconds: longer than a machine stalls."""
    monkeypatch.setattr(connection, "FLUSH_TIMEOUT_S", 20.0)
    return connection.FLUSH_TIMEOUT_S


@pytest.mark.parametrize("how", ["hang_up", "vanish"])
async def test_a_call_that_ends_is_shut_down_once(how: str):
    echo = Echo()
    with line(echo) as (_, url):
        async with Phone(url) as phone:
            await eventually(lambda: echo.made and echo.made[0].shapes)
            await getattr(phone, how)()
        await eventually(lambda: echo.made[0].shutdowns)
        await asyncio.sleep(0.2)

    assert echo.made[0].shutdowns == 1


async def test_a_stop_alone_ends_the_call():
    echo = Echo()
    with line(echo) as (_, url):
        async with Phone(url) as phone:
            await phone.send(phone.provider.stop())
            await asyncio.wait_for(phone.ended.wait(), 30)

    assert phone.code == 1000
    assert echo.made[0].shutdowns == 1


async def test_a_stop_in_the_middle_of_a_reply_waits_for_no_mark(long_flush: float):
    class Talker(Echo):
        def copy(self) -> "Talker":
            return Talker()

        async def emit(self) -> Any:
            return RATE, np.full(160, 1000, np.int16)

    with line(Talker()) as (_, url):
        async with Phone(url, echo_marks=False) as phone:
            await eventually(lambda: len(phone.marks) > 1)
            began = time.monotonic()
            await phone.send(phone.provider.stop())
            await asyncio.wait_for(phone.ended.wait(), 30)

    assert time.monotonic() - began < long_flush / 2


async def test_the_handler_hangs_up_when_all_is_said(long_flush: float):
    class Farewell(AsyncStreamHandler):
        said = False

        def copy(self) -> "Farewell":
            return Farewell()

        async def receive(self, frame: Any) -> None: ...

        async def emit(self) -> Any:
            if self.said:
                return None
            self.said = True
            return (24000, np.full(24000, 5000, np.int16)), CloseStream("bye")

    with line(Farewell()) as (_, url):
        async with Phone(url, delay_s=0.3) as phone:
            await asyncio.wait_for(phone.ended.wait(), 30)

    assert phone.code == 1000
    assert phone.ended_at - phone.echoed_at < long_flush / 2, "it does not know that all was played"
    assert np.count_nonzero(np.abs(phone.heard) > 4000) / RATE == pytest.approx(1.0, abs=0.05)
    assert phone.played.size >= 0.95 * RATE, "closed before it was played"


async def test_a_call_lasts_no_longer_than_the_time_limit():
    with line(Echo(), time_limit=0.5) as (_, url):
        began = time.monotonic()
        async with Phone(url) as phone:
            await asyncio.wait_for(phone.ended.wait(), 30)

    assert time.monotonic() - began > 0.49


# Calls that outlive their socket


class CallControl(telnyx.Telnyx):
    """Notes which calls it is told to hang up."""

    told: ClassVar[list[str]]
    lasts_s = 0.0
    breaks = False

    async def hang_up(self, call: Any) -> None:
        self.told.append(call.id)
        if self.breaks:
            raise OSError("the service is gone")
        await asyncio.sleep(self.lasts_s)


@contextmanager
def controlled_line(handler: Any, **options: Any) -> Iterator[tuple[type[CallControl], str]]:
    class Provider(CallControl):
        told: ClassVar[list[str]] = []

    with line(handler, phone_providers=[Provider, twilio.Twilio], **options) as (_, url):
        yield Provider, url


@pytest.mark.parametrize("how", ["time limit", "vanish", "full"])
async def test_the_provider_hangs_up_whenever_a_call_ends(how: str):
    time_limit = 0.2 if how == "time limit" else None
    with controlled_line(Echo(), time_limit=time_limit, concurrency_limit=1) as (provider, url):
        async with Phone(url, Telnyx) as phone:
            if how != "time limit":
                await eventually(lambda: phone.arrived)
            if how == "full":
                async with Phone(url, Telnyx) as second:
                    await asyncio.wait_for(second.ended.wait(), 30)
                assert provider.told == [second.provider.call_id]
                await phone.hang_up()
            elif how == "vanish":
                await phone.vanish()
            await eventually(lambda: provider.told)
            assert len(provider.told) == 1
            if how != "full":
                assert provider.told == [phone.provider.call_id]


async def test_a_call_of_which_the_provider_says_that_it_has_ended_is_not_hung_up():
    with controlled_line(Echo()) as (provider, url):
        async with Phone(url, Telnyx) as phone:
            await eventually(lambda: phone.arrived)
            await phone.hang_up()

    assert provider.told == []


@pytest.mark.parametrize("how", ["breaks", "hangs"])
async def test_a_hang_up_that_fails_is_logged_and_keeps_nobody(
    how: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(connection, "HANG_UP_TIMEOUT_S", 0.2)
    with controlled_line(Echo(), time_limit=0.2) as (provider, url):
        provider.breaks, provider.lasts_s = how == "breaks", 60
        async with Phone(url, Telnyx) as phone:
            await asyncio.wait_for(phone.ended.wait(), 10)

    assert f"Call {phone.id} could not be hung up" in caplog.text
    assert ("the service is gone" in caplog.text) == (how == "breaks")


async def test_only_providers_that_are_chosen_are_understood():
    with controlled_line(Echo()) as (_, url):
        async with Phone(url, Provider) as phone:
            await eventually(lambda: phone.arrived)
        async with Phone(url, Plivo) as refused:
            await asyncio.wait_for(refused.ended.wait(), 30)

    assert refused.code == 1003


# Calls that are not taken


async def test_the_last_line_is_kept_for_the_caller_who_heard_the_greeting():
    async def ask(id: str) -> str:
        async with httpx.AsyncClient(base_url=url) as http:
            return (await http.post("/telephone/incoming", data={"CallSid": id})).text

    with line(Echo(), concurrency_limit=1) as (_, url):
        assert "<Connect" in await ask("CA1")
        assert "<Connect" in await ask("CA1"), "Twilio asks again when it got no answer"
        assert "busy" in await ask("CA2")
        async with Phone(url, call_id="CA3") as other:
            await asyncio.wait_for(other.ended.wait(), 30)
        async with Phone(url, call_id="CA1") as phone:
            await eventually(lambda: phone.arrived)
            assert "busy" in await ask("CA2")
            await phone.hang_up()
        async with Phone(url, call_id="CA4") as phone:
            await eventually(lambda: phone.arrived)

    assert other.arrived == []


async def test_the_place_of_a_caller_who_does_not_come_is_free_again(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(telephone, "CONNECTED_TIMEOUT_S", 0.2)
    with line(Echo(), concurrency_limit=1) as (stream, url):
        places, occupied = connections_of(stream).registry, []
        release = places.release_call

        def released(id: str) -> None:
            occupied.append(len(places))
            release(id)

        monkeypatch.setattr(places, "release_call", released)
        async with httpx.AsyncClient(base_url=url) as http:
            await http.post("/telephone/incoming", data={"CallSid": "CA1"})
            await eventually(lambda: occupied == [1] and len(places) == 0)
            answer = await http.post("/telephone/incoming", data={"CallSid": "CA2"})
        assert "<Connect" in answer.text


async def test_a_full_line_takes_no_call_until_one_ends():
    echo = Echo()
    with line(echo, concurrency_limit=1) as (_, url):
        async with Phone(url) as first:
            await eventually(lambda: echo.made)
            async with httpx.AsyncClient() as client:
                busy = await client.post(f"{url}/telephone/incoming")
            assert "<Hangup" in busy.text
            async with Phone(url) as second:
                await asyncio.wait_for(second.ended.wait(), 30)
            await first.hang_up()
        await eventually(lambda: echo.made[0].shutdowns)
        async with Phone(url) as third:
            await eventually(lambda: third.arrived)

    assert len(echo.made) == 2
    assert second.arrived == []


async def test_only_twilio_may_call_when_there_is_a_token():
    def signature(url: str) -> dict[str, str]:
        validator = RequestValidator("secret")
        return {"X-Twilio-Signature": validator.compute_signature(url, {})}

    echo = Echo()
    with line(echo, twilio_auth_token="secret", concurrency_limit=9) as (stream, url):
        host = url.removeprefix("http://")
        right = signature(f"wss://{host}/telephone/handler")
        async with Phone(url, headers=right, call_id="CA1", **stream.call_parameters("CA1")):
            await eventually(lambda: echo.made)
        public = signature("wss://calls.example.com/telephone/handler")
        forwarded = public | {"X-Forwarded-Host": "calls.example.com"}
        ours = stream.call_parameters("CA2")
        async with Phone(url, headers=forwarded, call_id="CA2", **ours):
            await eventually(lambda: len(echo.made) == 2)
        for wrong in ({}, {"X-Twilio-Signature": "x"}, public):
            with pytest.raises(websockets.InvalidStatus, match="403"):
                async with Phone(url, headers=wrong):
                    pass

    assert len(echo.made) == 2


@pytest.fixture
def signed() -> Callable[..., dict[str, str]]:
    def sign(url: str, posted: dict[str, str] | None = None) -> dict[str, str]:
        compute = RequestValidator("secret").compute_signature
        return {"X-Twilio-Signature": compute(url, posted or {})}

    return sign


def twilio_parameters(twiml: str) -> dict[str, str]:
    found = ET.fromstring(twiml).iterfind("Connect/Stream/Parameter")
    return {str(one.get("name")): str(one.get("value")) for one in found}


async def test_the_signature_of_one_call_opens_no_other(
    signed: Callable[..., dict[str, str]], caplog: pytest.LogCaptureFixture
):
    hung_up: list[str | None] = []

    class Rest(Twilio):
        async def hang_up(self, call: Any) -> None:
            hung_up.append(call.id)

    echo = Echo()
    options = {"twilio_auth_token": "secret", "phone_providers": [Rest], "concurrency_limit": 9}
    with line(echo, **options) as (stream, url):
        call = {"CallSid": "CA1", "From": "+15550100"}
        async with httpx.AsyncClient(base_url=url) as http:
            headers = signed(f"{url}/telephone/incoming", call)
            twiml = await http.post("/telephone/incoming", data=call, headers=headers)
        parameters = twilio_parameters(twiml.text)
        headers = signed(f"wss://{url.removeprefix('http://')}/telephone/handler")

        async def refused(call_id: str, **parameters: str) -> None:
            async with Phone(url, headers=headers, call_id=call_id, **parameters) as phone:
                await asyncio.wait_for(phone.ended.wait(), 30)
            assert phone.code == 1008 and not phone.arrived

        await refused("CA2", **parameters)
        await refused("CA2")
        await refused("CA2", **{**parameters, "fastrtc_token": "é.1.2"})
        async with Phone(url, headers=headers, call_id="CA1", **parameters) as phone:
            await eventually(lambda: phone.arrived)
            ((connection,),) = stream.connections.values()
            assert connection.call.parameters == {"from": "+15550100"}
            await refused("CA1", **parameters)
            await refused("CA1")
            await phone.hang_up()
        assert not hung_up, "whose calls these are, nobody knows"
        await refused("CA1", **parameters)
    assert len(echo.made) == 1
    (record,) = [one for one in caplog.records if "call_parameters" in one.getMessage()]
    assert record.levelname == "WARNING"


async def test_twiml_of_the_programs_own(signed: Callable[..., dict[str, str]]):
    echo = Echo()
    with line(echo, twilio_auth_token="secret") as (stream, url):
        headers = signed(f"wss://{url.removeprefix('http://')}/telephone/handler")
        parameters = {**stream.call_parameters("CA1"), "language": "fr"}
        async with Phone(url, headers=headers, call_id="CA1", **parameters) as phone:
            await eventually(lambda: phone.arrived)
            await phone.hang_up()
    for wrong in ("", None, 5):
        with pytest.raises(ValueError, match="call_sid must be the CallSid"):
            stream.call_parameters(wrong)
    assert Stream(Echo(), modality="audio").call_parameters("CA1") == {}


async def test_what_is_no_call_is_told_so_and_costs_nothing():
    echo = Echo()
    with line(echo) as (_, url):
        socket_url = url.replace("http", "ws") + "/telephone/handler"
        async with websockets.connect(socket_url) as socket:
            await socket.send(json.dumps({"event": "start", "start": {}}))
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 30)
            assert socket.close_code == 1003
        async with Phone(url) as phone:  # and who talks nonsense in a call is still heard
            for nonsense in ("}{", b"\x00", {"event": "media"}, {"event": "fax"}, '"x"'):
                await phone.send(nonsense)
            await eventually(lambda: phone.arrived)

    assert len(echo.made) == 1
