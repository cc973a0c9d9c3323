"""The machine's clock is set while somebody speaks: by hand, or by a first NTP answer."""

import datetime
import time

import pytest

from fastrtc import Stream
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually, tone
from tests.webrtc.handlers import RATE, AsyncAudioVideoEcho

HOUR_S = 3600.0


def stepped(step_s: float) -> type[datetime.datetime]:
    """A `datetime` whose `now` is so much later."""
    unchanged, step = datetime.datetime, datetime.timedelta(seconds=step_s)

    class Stepped(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return unchanged.now(tz) + step

    return Stepped


STEPS = {"an hour on": HOUR_S, "an hour back": -HOUR_S, "from 1970 on": 50 * 365.25 * 24 * HOUR_S}


@pytest.mark.parametrize("step_s", STEPS.values(), ids=STEPS)
async def test_sound_pictures_and_messages_go_on(
    step_s: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stream = Stream(
        AsyncAudioVideoEcho(),
        modality="audio-video",
        mode="send-receive",
        time_limit=30,
        server_rtc_configuration=LOCAL,
    )
    source = AudioSource(tone(60))
    async with Client(stream, audio=source, video=VideoSource(fps=15)) as client:
        await eventually(lambda: len(client.loud()) >= 20 and client.video_frames)
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + step_s)
        monkeypatch.setattr(datetime, "datetime", stepped(step_s))
        sent, heard, seen = source.sent, len(client.loud()), len(client.video_frames)
        await eventually(lambda: source.sent >= sent + 2 * RATE)  # RTCP is sent meanwhile
        await eventually(lambda: len(client.loud()) > heard + 50)
        await eventually(lambda: len(client.video_frames) > seen + 10)
        for text in ("one", "two"):
            client.channel.send(text)
            await client.message("log", f"Server received: {text}")
        assert client.states == ["connecting", "connected"]
    assert not [one for one in caplog.records if one.name.startswith("fastrtc")]
