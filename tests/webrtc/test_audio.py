"""Audio between two peers: layouts, rates and sample formats."""

import asyncio
from typing import Any

import numpy as np
import pytest

from fastrtc import AsyncStreamHandler, Stream
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.support.stalls import Stalls
from tests.webrtc.handlers import RATE, AsyncAudioEcho, AudioEcho, frequency

LEFT, RIGHT = 440, 1200  # Hz


def stereo(seconds: float) -> np.ndarray:
    return np.stack([tone(seconds, LEFT), tone(seconds, RIGHT)], axis=1)


def listening(handler: Any, **options: Any) -> Stream:
    return Stream(handler, modality="audio", server_rtc_configuration=LOCAL, **options)


class Saying(AsyncStreamHandler):
    """Gives certain outputs once, then nothing."""

    def __init__(self, *outputs: Any) -> None:
        super().__init__()
        self.outputs = outputs
        self.left = list(outputs)

    def copy(self) -> "Saying":
        return Saying(*self.outputs)

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> Any:
        if not self.left:
            await asyncio.Event().wait()
        return self.left.pop(0)


def loud_part(channel: np.ndarray) -> np.ndarray:
    """From the first loud sample to the last."""
    (at,) = np.nonzero(np.abs(channel.astype(int)) > 1500)
    return channel[at[0] : at[-1] + 1]


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
async def test_receive_gets_its_own_rate(rate: int) -> None:
    stream = listening(AsyncAudioEcho(input_sample_rate=rate), mode="send")
    async with Client(stream, audio=AudioSource(tone(0.6))) as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: mine.samples().size > 0.5 * rate)
    assert {(r, s.shape) for r, s in mine.heard} == {(rate, (1, rate // 50))}  # the first, too
    heard = loud_part(mine.samples())
    assert frequency(heard[rate // 10 :], rate) == pytest.approx(440, abs=15)


async def test_mono_handler_hears_both_channels() -> None:
    stream = listening(AsyncAudioEcho(), mode="send")
    async with Client(stream, audio=AudioSource(stereo(0.8))) as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: mine.samples().size > 0.7 * 24000)
    heard = loud_part(mine.samples())[2400:12000]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    hertz = np.fft.rfftfreq(len(heard), 1 / 24000)
    for wanted in (LEFT, RIGHT):
        assert spectrum[np.abs(hertz - wanted) < 30].max() > 20 * np.median(spectrum)


@pytest.mark.parametrize("handler", [AudioEcho, AsyncAudioEcho])
async def test_stereo_goes_both_ways(handler: Any) -> None:
    """`receive` gets interleaved samples; with the layout they go back as they came."""

    class Stereo(handler):
        def receive(self, frame: Any) -> Any:
            return super().receive((*frame, "stereo"))

    stream = listening(Stereo(expected_layout="stereo", input_sample_rate=48000))
    async with Client(stream, audio=AudioSource(stereo(0.8))) as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: len(client.loud()) >= 30)
    assert all(s.shape[0] == 1 and s.shape[1] % 2 == 0 for _, s, _ in mine.heard)
    heard = np.concatenate([s.reshape(-1, 2).T for _, s, _ in mine.heard], axis=1)
    for planar in (heard, np.concatenate(client.planar, axis=1)):
        for channel, wanted in zip(planar, (LEFT, RIGHT), strict=True):
            part = loud_part(channel)[4800:24000]
            assert frequency(part) == pytest.approx(wanted, abs=10)


def spoken(rate: int, start: float, seconds: float, dtype: Any, shape: str) -> tuple[Any, ...]:
    """A piece of a long tone of 440 Hz, in some format, at a sixth of full scale."""
    time = start + np.arange(round(rate * seconds)) / rate
    wave = np.sin(2 * np.pi * 440 * time) / 6
    if np.issubdtype(dtype, np.integer):
        wave = wave * 32767
    samples = wave.astype(dtype)
    if shape == "n":
        return rate, samples
    if shape == "1n":
        return rate, samples[np.newaxis]
    if shape == "list":
        return [float(rate), samples.tolist()]
    if shape == "bytes":
        return rate, samples.tobytes()
    if shape == "2n":
        return rate, np.stack([samples, samples]), "stereo"
    assert shape == "interleaved"
    return rate, np.repeat(samples, 2)[np.newaxis], "stereo"


async def test_rates_and_formats_may_change_between_chunks() -> None:
    """One tone, given in pieces of which no two are alike, is heard as one tone."""
    formats = [
        (24000, np.int16, "1n"),
        (24000, np.float32, "n"),
        (16000, np.float64, "1n"),
        (16000, np.int16, "n"),
        (48000, np.float32, "1n"),
        (44100, np.float32, "n"),
        (8000, np.int16, "1n"),
        (22050, np.float64, "n"),
        (24000, np.int16, "2n"),
        (48000, np.float32, "interleaved"),
        (16000, np.float32, "n"),
        (24000, np.int16, "list"),
        (24000, np.int16, "bytes"),
        (16000.0, np.int64, "n"),
        (48000, np.int32, "1n"),
    ]
    pieces = [spoken(rate, k * 0.2, 0.2, *rest) for k, (rate, *rest) in enumerate(formats)]
    stream = listening(Saying(*pieces), mode="receive")
    async with Client(stream, audio="recvonly") as client:
        await eventually(lambda: len(client.loud()) >= 10 * len(formats) - 5)
        await eventually(lambda: np.abs(client.audio_frames[-1][1]).max() < 300)
    for channel in np.concatenate(client.planar, axis=1):
        heard = loud_part(channel)
        assert len(heard) / RATE == pytest.approx(0.2 * len(formats), abs=0.04)
        windows = heard[: len(heard) // 2400 * 2400].reshape(-1, 2400)  # 50 ms
        for window in windows[1:-1]:
            assert frequency(np.pad(window, (0, 21600))) == pytest.approx(440, abs=25)
            loudness = np.sqrt(np.mean(window.astype(float) ** 2))
            assert loudness == pytest.approx(32767 / 6 / np.sqrt(2), rel=0.2)


@pytest.mark.parametrize("handler", [AudioEcho, AsyncAudioEcho])
async def test_no_gap_and_no_delay_that_grows(handler: Any) -> None:
    """What is said for two seconds is heard for two seconds, in 100 frames a second apart."""
    stream = listening(handler(output_sample_rate=24000))
    source = AudioSource(np.concatenate([np.zeros(24000, np.int16), tone(2.0)]))
    stalls = Stalls()
    stalls.watch()
    async with Client(stream, audio=source) as client:
        await eventually(lambda: len(client.loud()) >= 97)
        stalls.end()
        began, ended = client.loud()[0][0], client.loud()[96][0]
        await eventually(lambda: np.abs(client.audio_frames[-1][1]).max() < 300)
    assert 0 < began - (source.started_at + 0.5) < 2
    assert -0.6 < ended - began - 96 * 0.02 < 0.6 + stalls.total()
    heard = loud_part(client.heard())
    assert len(heard) / RATE == pytest.approx(2.0, abs=0.1)
    stamps = np.diff([packet.timestamp for packet in client.packets])
    assert np.all(stamps[stamps < 48000] >= 960)


class Blocking(AudioEcho):
    """As the documents have it: waits for ever in `emit`."""

    def emit(self) -> Any:
        return self.audio.get()


async def test_blocked_emit_leaves_no_thread() -> None:
    """The fixture of all tests looks for threads that are left."""
    stream = listening(Blocking())
    async with Client(stream, audio=AudioSource(tone(1.0))) as client:
        await eventually(lambda: len(client.loud()) >= 20)
