"""A line without a network: the real session and turn detection, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..audio.concealment import PacketLossConcealment
from ..client.errors import refused
from ..core.errors import SessionRefused
from ..core.messages import current_channel
from ..core.outputs import AdditionalOutputs
from ..handlers.base import StreamHandlerBase
from ..pacing.inbound import AudioInbound
from ..pacing.jitter_buffer import JitterBuffer, Packet
from ..pacing.playout import Playout, PlayoutFrame
from ..pacing.suspendable import Detached
from ..server.endpoint import Endpoint, endpoint_of
from ..server.resuming import make_resumable
from ..session.media import Media
from ..session.resumption import Return, lose_network
from ..session.session import Session
from ..transport.socket.keys import Keys
from .errors import CallFailed, not_connected
from .impairments import Network
from .leaks import Leaks
from .line import FRAME, RATE, Line
from .memory_transport import MemoryTransport
from .virtual_loop import VirtualLoop

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["MemoryLine"]

PLAYOUT_DELAY_S = 0.06
"""How long after it is sent the caller hears audio, in seconds, besides the jitter of the network:
codec, network and jitter buffer of a client. Over WebRTC in one machine it was 0.04 to 0.1 s."""

MAX_CONCEALED = 5
"""Number of lost packets in a row that are concealed; more are a pause, as over WebRTC."""

_numbers = itertools.count(1)
"""Of the ids of the connections."""

T = TypeVar("T")


class MemoryLine(Line):
    """Connect to a stream in the same process, without a server or sockets.

    The session, the turn detection, the playout and the handler with its threads are those of any
    connection; there is no codec. Time is virtual: see ``VirtualLoop``.

    Args:
        stream: The stream.
        network: The faults of the network, in both directions.
    """

    def __init__(self, stream: Stream, network: Network) -> None:
        super().__init__()
        self._stream = stream
        self._network = network
        self._virtual: VirtualLoop | None = None
        self._opened_at = 0.0
        self._session: Session | None = None
        self._keys: Keys | None = None
        self._to_server: _ToServer | None = None
        self._to_caller = network.path("to the caller")
        self._transport: MemoryTransport | None = None
        self._leaks = Leaks(self._threads)
        self._hung_up = False

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the virtual loop."""
        if self._virtual is None:
            self._virtual = VirtualLoop()
        return await self._virtual.run(work)

    async def release(self) -> None:
        """End the virtual loop."""
        if self._virtual is not None:
            await self._virtual.close()

    async def open(self) -> None:
        """Create a session, as a request of a client would."""
        loop = asyncio.get_running_loop()
        self._leaks.begin()
        self._opened_at = loop.time()
        endpoint: Endpoint = endpoint_of(self._stream)
        for member in endpoint.members():
            member.places.stopping = False  # an earlier server may have stopped
        id = self.id = f"call-{next(_numbers)}"
        try:
            async with endpoint.reserve(id) as place:
                session = self._session = await place.create_session(self._deliver(id))
                self._connect(endpoint, session)
        except SessionRefused as refusal:
            raise not_connected(str(refused(refusal.answer)), refusal) from refusal
        session.start()

    def _connect(self, endpoint: Endpoint, session: Session) -> None:
        stream = self._stream
        if "audio" not in stream.modality and not isinstance(session.handler, StreamHandlerBase):
            raise CallFailed("The stream has no audio: its modality is 'video'")
        media = Media(session, "audio", stream.mode, playout=Playout(RATE, most_channels=1))
        session.turns.clock = self._loop.time  # also for the threads of the caller
        transport = self._transport = MemoryTransport(session, media, self.on_message)
        transport.bind()
        session.context.run(current_channel.set_source, lambda: session.channel)
        keys = self._keys = Keys(session, lambda _: None)
        session.on_start(lambda: self._start(session, media, keys))
        session.on_closed(self._closed)
        endpoint.add(session, media, transport, [])
        if self.resumes:
            make_resumable(endpoint, session, media, transport)
        session.outbox.open(transport.send)

    def _start(self, session: Session, media: Media, keys: Keys) -> None:
        if media.audio_in is not None:
            self._to_server = _ToServer(self._network, media.audio_in)
        session.run("keys", keys.run())
        if media.audio_out is not None and media.audio_out.playout is not None:
            session.run("hear", self._hear(media))

    def _deliver(self, id: str) -> Callable[[AdditionalOutputs], None]:
        deliver = self._stream.set_additional_outputs(id)

        def deliver_to_both(outputs: AdditionalOutputs) -> None:
            deliver(outputs)
            loop = self._loop
            loop.call_soon_threadsafe(self.on_outputs, outputs.args)

        return deliver_to_both

    def _threads(self) -> list[threading.Thread]:
        assert self._virtual is not None
        return list(self._virtual.clock.threads)

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        assert self._virtual is not None
        return self._virtual.loop

    def now_s(self) -> float:
        """Return the seconds since the line was opened."""
        return self._loop.time() - self._opened_at

    async def wait_until(self, when_s: float) -> None:
        """Wait until a time on the clock of the line."""
        await asyncio.sleep(when_s - self.now_s())

    def send(self, frame: NDArray[np.int16]) -> None:
        """Send 20 ms of audio to the handler, unless the network loses it."""
        if self._to_server is not None and self._transport is not None:
            self._to_server.send(frame, self.now_s(), self._opened_at)

    async def _hear(self, media: Media) -> None:
        """Play what is sent to the caller, each frame at its time."""
        assert media.audio_out is not None and media.audio_out.playout is not None
        delay_s = PLAYOUT_DELAY_S + self._network.jitter_ms / 1000
        media.playback.delay_s = delay_s  # as a client would report it
        while True:
            try:
                frame = await media.audio_out.frame()
            except Detached:
                return
            sent_s = self.now_s()
            arrival_s = self._to_caller.arrival_s(sent_s)
            if arrival_s is not None and arrival_s <= sent_s + delay_s:
                self._loop.call_at(
                    self._opened_at + sent_s + delay_s,
                    self._play,
                    sent_s + delay_s,
                    media.audio_out.playout.rate,
                    frame,
                )

    def _play(self, when_s: float, rate: int, frame: PlayoutFrame) -> None:
        if not self._hung_up:
            self.on_audio(when_s, rate, frame.samples[0])

    async def set_inputs(self, values: tuple[object, ...]) -> None:
        """Set the inputs of the handler."""
        if self._session is not None:
            self._stream.set_input(self._session.id, *values)

    async def press(self, digit: str) -> None:
        """Press a key; the handler's ``receive_dtmf`` gets it."""
        if self._keys is not None:
            self._keys.press(digit)

    def _closed(self, session: Session) -> None:
        if not self._hung_up:
            self.on_end("" if session.reason is None else session.reason.text)

    def lose_network(self) -> None:
        """Lose the network; see ``Line``."""
        session, transport = self._session, self._transport
        if session is None or session.resumption is None or transport is None:
            raise CallFailed(
                "The session cannot be resumed: that needs Call(stream, resume=True), and "
                "resume_within_s of the stream"
            )
        self._transport = None
        transport.heard_at = self._loop.time()
        lose_network(session, transport, "the network of the caller is lost")

    def restore_network(self) -> None:
        """Resume the session; see ``Line``."""
        session = self._session
        connection = endpoint_of(self._stream).get(self.id)
        if session is None or session.resumption is None or connection is None:
            raise CallFailed("The program has ended the session meanwhile")
        media = connection.media
        self._transport = back = MemoryTransport(session, media, self.on_message)
        session.resumption.take_over(Return(back, session.user_context.request))
        session.resumption.established(back)
        if media.audio_out is not None and media.audio_out.playout is not None:
            session.run("hear", self._hear(media))

    async def hang_up(self) -> None:
        """End the session, and check that the program has left nothing running."""
        session = self._session
        if session is None:
            return
        self._hung_up = True
        session.close("the client disconnected")
        try:
            await asyncio.wait_for(session.closed.wait(), self.hang_up_limit_s)
        except asyncio.TimeoutError:
            raise CallFailed(
                f"The connection did not end within {self.hang_up_limit_s:g} s: its handler blocks"
            ) from None
        if self._virtual is not None:
            self._virtual.end_idle_threads()
        await self._leaks.check()


class _ToServer:
    """The way of the caller's audio to the handler: network, jitter buffer and concealment."""

    def __init__(self, network: Network, inbound: AudioInbound) -> None:
        self._loop = asyncio.get_running_loop()
        self._path = None if network.perfect else network.path("to the server")
        self._inbound = inbound
        self._buffer: JitterBuffer[NDArray[np.int16]] = JitterBuffer()
        self._concealment = PacketLossConcealment()
        self._sequence = 0

    def send(self, frame: NDArray[np.int16], now_s: float, opened_at: float) -> None:
        """Send a frame."""
        samples = frame[np.newaxis]
        if self._path is None:
            self._inbound.push(RATE, samples)
            return
        sequence, self._sequence = self._sequence, self._sequence + 1
        arrival_s = self._path.arrival_s(now_s)
        if arrival_s is not None:
            self._loop.call_at(opened_at + arrival_s, self._arrive, sequence, samples)

    def _arrive(self, sequence: int, samples: NDArray[np.int16]) -> None:
        now = self._loop.time()
        self._deliver(self._buffer.push(sequence % 65536, sequence * FRAME, samples, now))
        if (deadline := self._buffer.deadline) is not None:
            self._loop.call_at(deadline, self._gap_ends)

    def _gap_ends(self) -> None:
        self._deliver(self._buffer.poll(self._loop.time() + 1e-6))

    def _deliver(self, packets: list[Packet[NDArray[np.int16]]]) -> None:
        for packet in packets:
            concealed = packet.lost if packet.lost <= MAX_CONCEALED else 1
            if packet.lost > concealed:
                self._inbound.skip((packet.lost - concealed) * FRAME / RATE)
            gap = concealed * FRAME if packet.lost else 0
            self._inbound.push(RATE, self._concealment.fill(RATE, packet.payload, gap))
