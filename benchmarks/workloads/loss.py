"""How well people are understood whose packets get lost (issues 15 and 18).

Thirteen clients say the same at the same time, over a network that loses packets and delays each
by up to 0.1 s. Which packets of which client are lost is drawn with a fixed seed, so that each
server loses the same ones. In one direction the server keeps what its handlers receive; in the
other it sends back what arrives complete, and the clients keep that. A recognizer writes down the
words in it, after all has been said. One word lost or found is chance: so three clients lose each
share, and their mean counts.

The clients do as browsers do: they offer to decode FEC, send it when the server decodes it and
reports loss, and hear through a buffer that waits for all delayed packets.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.client.media import AUDIO_RATE, FRAME, AudioTrack, encode_opus
from benchmarks.client.peer import Network, Peer, decode_nothing
from benchmarks.client.server import Server
from benchmarks.environments import RECOGNIZER, RECOGNIZER_VARIABLE, SERVERS, Environment, Failed
from benchmarks.words import word_error_rate
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload
from fastrtc.audio.concealment import PacketLossConcealment
from fastrtc.audio.resample import StreamResampler
from fastrtc.transport.webrtc.opus import make_decoder
from tests.support.speech import read_wav, write_wav

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3)
#: What each client loses.
LOST = (0.0, *3 * SHARES[1:])
SEED = 15
#: Of clients that lose packets, in seconds.
JITTER = 0.1
#: Before, between and after the recordings, in seconds.
PAUSE = 1.0
#: For what is still in a buffer, in seconds.
REST = 3.0
RECORDINGS = {
    "two_cities.wav": (
        "It was the best of times, it was the worst of times, it was the age of wisdom, it was the "
        "age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was "
        "the season of light, it was the season of darkness, it was the spring of hope, it was the "
        "winter of despair, we had everything before us, we had nothing before us, we were all "
        "going direct to heaven, we were all going direct the other way. In short, the period was "
        "so far like the present period that some of its noisiest authorities insisted on its "
        "being received, for good or for evil, in the superlative degree of comparison only."
    ),
    "beckett.wav": "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better.",
}
SAID = " ".join(RECORDINGS.values())


def name_of(share: float) -> str:
    """Return the name of the metric for a share of lost packets."""
    return f"{share:.0%} lost"


def _sound(folder: Path) -> np.ndarray:
    """All that is said, `(n,)` int16 at 48 kHz, with pauses."""
    pause = np.zeros(int(PAUSE * AUDIO_RATE), np.int16)
    parts = [pause]
    for name in RECORDINGS:
        rate, samples = read_wav(folder / name)
        resampler = StreamResampler(rate, AUDIO_RATE)
        parts += [*resampler.process(samples[np.newaxis]), *resampler.flush(), pause]
    return np.concatenate(parts)


class _Client:
    """A client that says it, and may lose a share of the packets in one direction.

    Args:
        server: The server.
        packets: What is said, by the share of loss against which it has FEC.
        go: Set when all begin.
        index: The place in `LOST`.
        hears: Whether packets are lost on their way to the client.
    """

    def __init__(
        self,
        server: Server,
        packets: dict[float, list[bytes]],
        go: asyncio.Event,
        index: int,
        hears: bool,
    ) -> None:
        self._share = LOST[index]
        self._protected = packets[self._share]
        self.track = AudioTrack(packets[0.0], go, most=len(packets[0.0]))
        self._network = Network(self._share, JITTER if self._share else 0.0, SEED + index)
        self._hears = hears
        self._payloads: dict[int, bytes] = {}
        self.peer = Peer(server, self.track)

    async def connect(self) -> None:
        """Connect, and lose packets from now on."""
        await self.peer.connect()
        if self._hears:
            self._payloads = self.peer.keep_payloads()
            self.peer.impair_receiving(self._network)
            return
        self.peer.impair_sending(self._network)
        if self.peer.may_send_fec:
            self.peer.on_loss(self._protect)

    def _protect(self, share: float) -> None:
        if share > 0:
            self.track.packets = self._protected

    def heard(self) -> tuple[int, np.ndarray]:
        """What arrived from the server, with what is lost concealed as well as fastrtc can."""
        decoder, fade, parts, gap = make_decoder(1), PacketLossConcealment(), [], 0
        for number in range(min(self._payloads), max(self._payloads) + 1):
            payload = self._payloads.get(number)
            if payload is None:
                gap += FRAME
                continue
            if gap and decoder.in_speech_mode:
                parts.append(decoder.conceal(gap, payload))
                gap = 0
            parts.append(fade.fill(AUDIO_RATE, decoder.decode(payload), gap))
            gap = 0
        return AUDIO_RATE, np.concatenate(parts, axis=1)[0]


async def _say(server: Server, sound: np.ndarray, hears: bool) -> list[tuple[int, np.ndarray]]:
    """Have all clients say it; return what was heard of each, in the order of `LOST`."""
    decode_nothing()
    packets, go = {share: encode_opus(sound, share) for share in SHARES}, asyncio.Event()
    clients = [_Client(server, packets, go, index, hears) for index in range(len(LOST))]
    for client in clients:
        await client.connect()  # one after the other: the server numbers them
    go.set()
    for client in clients:
        await client.track.done.wait()
    await asyncio.sleep(REST)
    heard = [client.heard() for client in clients] if hears else await server.heard()
    for client in clients:
        await client.peer.close()
    if len(heard) != len(LOST):
        raise Failed(f"{len(LOST)} clients spoke, the server heard {len(heard)}")
    return heard


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Word error rates, in percent."""
    recognizer = Environment(RECOGNIZER, Path(os.environ[RECOGNIZER_VARIABLE]))
    script = SERVERS / "recognizer.py"
    sound = _sound(Path(recognizer.run_script(script)["folder"]))
    heard = await _say(server, sound, bool(options.get("to the client")))
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, f"{index}.wav")) for index in range(len(LOST))]
        for file, (rate, samples) in zip(files, heard, strict=True):
            write_wav(file, rate, samples)
        words = recognizer.run_script(script, "transcribe", *files, limit=600.0)
    wrong: dict[float, list[float]] = {}
    for share, file in zip(LOST, files, strict=True):
        wrong.setdefault(share, []).append(100 * word_error_rate(SAID, words[file]))
    return {name_of(share): float(np.mean(rates)) for share, rates in wrong.items()}


def _goals(*limits: float) -> dict[str, Goal]:
    return {name_of(share): Goal(limit) for share, limit in zip(SHARES, limits, strict=True)}


WORKLOAD = Workload(
    name="loss",
    summary=f"words that a recognizer gets wrong, of {len(SAID.split())}, with packets lost",
    cases=(
        Case(
            "to the handler",
            "keep",
            "keep",
            goals=_goals(1, 2, 3, 4, 6),
            rounds=1,
            long=True,
            loop="asyncio",
        ),
        Case(
            "to the client",
            "echo-async",
            "return",
            options={"to the client": 1},
            goals=_goals(1, 2, 3, 4, 6),
            rounds=1,
            long=True,
            loop="asyncio",
        ),
        Case(  # whose timers are not asyncio's, which once cost half of the words
            "to the handler, uvloop",
            "keep",
            goals=_goals(1, 2, 3, 4, 6),
            rounds=1,
            long=True,
            only_ours=True,
            loop="uvloop",
        ),
    ),
    metrics=tuple(Metric(name_of(share), "% wrong", 0) for share in SHARES),
    client=measure,
    limit=900.0,
    needs_recognizer=True,
)
