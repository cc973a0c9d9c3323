"""Time limit, the warning before it, and the idle timeout."""

import asyncio
from typing import Any

import numpy as np

from fastrtc.session.hooks import Hooks
from fastrtc.session.media import Media
from tests.session.rig import Rig
from tests.support.virtual_time import virtual_time

WARNING = {"type": "time_limit", "data": {"remaining_s": 10.0}}
LOUD = np.full((1, 480), 2000, np.int16)
QUIET = np.full((1, 480), 20, np.int16)


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual_time
async def test_a_warning_comes_10_s_before_the_limit() -> None:
    began = now()
    async with Rig(time_limit=60) as rig:
        await asyncio.sleep(49.9)
        assert rig.sent == []
        await asyncio.sleep(0.2)
        assert rig.sent == [WARNING]
        await rig.session.closed.wait()
        assert 60 <= rig.ended_at - began < 60.1
    assert rig.sent[1:] == [
        {"type": "end_stream", "data": "Time limit reached", "code": "time_limit"}
    ]


@virtual_time
async def test_a_short_limit_has_no_warning() -> None:
    async with Rig(time_limit=10) as rig:
        await rig.session.closed.wait()
    assert [message["type"] for message in rig.sent] == ["end_stream"]


@virtual_time
async def test_a_client_of_fastrtc_0_0_34_gets_what_it_knows() -> None:
    async with Rig(time_limit=60) as rig:
        rig.session.tells_codes = False
        await rig.session.closed.wait()
    assert rig.sent == [{"type": "end_stream", "data": "Time limit reached"}]


def idling(seconds: float) -> Rig:
    return Rig(hooks=Hooks(idle_timeout=seconds))


@virtual_time
async def test_a_client_that_does_nothing_is_idle() -> None:
    began = now()
    async with idling(30) as rig:
        await rig.session.closed.wait()
        assert 30 <= rig.ended_at - began < 30.1
    assert rig.sent == [
        {"type": "end_stream", "data": "Nothing was heard for 30 s", "code": "idle"}
    ]


async def does(rig: Rig, act: Any, times: int = 5) -> float:
    """Do something every 20 s, and return how long the session lasted."""
    began = now()
    async with rig:
        for _ in range(times):
            await asyncio.sleep(20)
            act()
        await rig.session.closed.wait()
        return rig.ended_at - began


@virtual_time
async def test_messages_inputs_and_speech_keep_it_alive_and_silence_does_not() -> None:
    rig = idling(30)
    lasted = await does(rig, lambda: rig.messages.receive_text("anything"))
    assert 130 <= lasted < 130.1
    rig = idling(30)
    media = Media(rig.session, "audio", "send-receive")
    assert media.audio_in is not None
    lasted = await does(rig, lambda: media.audio_in.push(24000, LOUD))
    assert 130 <= lasted < 130.1
    rig = idling(30)
    media = Media(rig.session, "audio", "send-receive")
    lasted = await does(rig, lambda: media.audio_in.push(24000, QUIET), times=1)
    assert 30 <= lasted < 30.1
    rig = idling(30)
    media = Media(rig.session, "audio", "send-receive")
    lasted = await does(rig, lambda: media.set_args([1]), times=2)
    assert 70 <= lasted < 70.1


@virtual_time
async def test_a_reply_keeps_it_alive() -> None:
    rig = idling(30)
    playing = True
    async with rig:
        rig.session.timers.busy = lambda: playing
        await asyncio.sleep(100)
        assert not rig.session.ended
        playing = False
        await rig.session.closed.wait()
        assert rig.session.reason is not None and rig.session.reason.end_code == "idle"


async def test_without_a_timeout_audio_is_not_measured() -> None:
    async with Rig() as rig:
        media = Media(rig.session, "audio", "send-receive")
        assert media.audio_in is not None and media.audio_in.on_pushed is None
