"""The outgoing audio of a connection, as aiortc tracks."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Awaitable
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import AudioStreamTrack, MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from ...core.context import Context
from ...core.messages import DataChannel
from ...core.rates import FRAME_S
from ...core.types import EmitType
from ...handlers.base import StreamHandlerBase
from ...pacing.audio_output import check_output
from ...pacing.playout import PlayoutFrame
from ...pacing.suspendable import Detached
from ...session.media import Media
from .guard import retried
from .media_track import MediaCallback, SetOutputs
from .opus import OPUS_RATE, OpusEncoder

__all__ = ["AudioCallback", "AudioMediaCallback", "ServerToClientAudio"]


class _AudioQueue(asyncio.Queue[Any]):
    """The queue of outgoing audio, for programs that inspect it, add to it and empty it."""

    def __init__(self, media: Media) -> None:
        super().__init__()
        self._media = media

    def qsize(self) -> int:
        """Return the number of queued frames of 20 ms."""
        playout = None if self._media.audio_out is None else self._media.audio_out.playout
        return 0 if playout is None else math.ceil(playout.queued_s / FRAME_S)

    def empty(self) -> bool:
        """Return whether the queue is empty."""
        return self.qsize() == 0

    def put_nowait(self, item: Any) -> None:
        """Add audio: a frame of PyAV, or any audio that ``emit`` may return.

        Raises:
            HandlerError: If the item is not audio.
        """
        if isinstance(item, av.AudioFrame):
            item = (item.sample_rate, _planar(item))
        rate, samples = check_output(item)
        if self._media.audio_out is not None:
            self._media.audio_out.push(rate, samples)

    async def put(self, item: Any) -> None:
        """Add audio, as ``put_nowait`` does; never waits."""
        self.put_nowait(item)

    def get_nowait(self) -> None:
        """Drop all queued audio, so that a loop which empties the queue ends at once.

        Raises:
            asyncio.QueueEmpty: If the queue is empty.
        """
        if self.empty():
            raise asyncio.QueueEmpty
        self._media.clear()


class AudioMediaCallback(MediaCallback, AudioStreamTrack):
    """The outgoing audio of a connection.

    Attributes:
        rtp_origin: The RTP timestamp of time 0, once encoded packets are sent.
    """

    kind = "audio"
    _encodes_opus = False
    _encoder: OpusEncoder | None = None
    _dtx = False
    _expected_loss = 0
    rtp_origin: int | None = None

    def use_codec(self, name: str, *, dtx: bool = False) -> None:
        """Set the negotiated codec. Opus is encoded here, other codecs by aiortc.

        Args:
            name: The name in lower case.
            dtx: Whether silence is not sent, which the client can ask for (RFC 7587).
        """
        self._encodes_opus = name == "opus"
        self._dtx = dtx

    def expect_loss(self, percent: int) -> None:
        """Set the packet loss to protect against with FEC, from the next frame on.

        Args:
            percent: 0 to 100; 0 sends no FEC.
        """
        if percent != self._expected_loss:
            self._expected_loss = percent
            if self._encoder is not None:
                self._encoder.expect_loss(percent)

    @property
    def queue(self) -> asyncio.Queue[Any]:
        """The queue of outgoing audio; only for use on the event loop."""
        return _AudioQueue(self._open()[1])

    def clear_queue(self) -> None:
        """Drop audio that is queued but not yet sent; callable from any thread."""
        if self._media is not None:
            self._media.clear()

    @retried(FRAME_S)
    async def recv(self) -> Any:
        """Wait for the next 20 ms to send.

        Raises:
            MediaStreamError: When the connection ends.
        """
        outbound = self._live().audio_out
        if outbound is None:
            raise MediaStreamError
        while True:
            try:
                frame = await self._until_end(outbound.frame())
            except Detached as error:
                raise MediaStreamError from error
            if not self._encodes_opus:
                return _audio_frame(frame)
            packet = self._encoder_of(frame).encode(frame.samples, frame.pts)
            if packet is not None:
                return packet

    @retried(FRAME_S)
    async def recv_encoded(self) -> tuple[bytes, int]:
        """Wait for the next 20 ms to send, as an Opus packet.

        Returns:
            The payload, and its time in samples at ``OPUS_RATE``.

        Raises:
            MediaStreamError: When the connection ends.
        """
        outbound = self._live().audio_out
        if outbound is None:
            raise MediaStreamError
        while True:
            waiting = outbound.frame()
            try:
                frame = await (self._until_end(waiting) if self._own_session else waiting)
            except Detached as error:
                raise MediaStreamError from error
            before, encoder = self._encoder, self._encoder_of(frame)
            payload = encoder.payload(frame.samples)
            if payload is not None:
                # the first packet of an encoder is for a decoder that has decoded nothing
                if outbound.tap is not None and encoder is before:
                    outbound.tap.encoded(payload)
                return payload, frame.pts

    def _take(self, frame: Any) -> None:
        if self._media is not None and self._media.audio_in is not None:
            self._media.audio_in.push(frame.sample_rate, _planar(frame))

    def _encoder_of(self, frame: PlayoutFrame) -> OpusEncoder:
        channels, rate = frame.samples.shape[0], _rate(frame)
        encoder = self._encoder
        if encoder is None or (encoder.channels, encoder.rate) != (channels, rate):
            encoder = self._encoder = OpusEncoder(channels, rate, dtx=self._dtx)
            encoder.expect_loss(self._expected_loss)
        return encoder


class AudioCallback(AudioMediaCallback):
    """The outgoing audio of a connection whose client also sends audio.

    Args:
        track: The client's audio.
        event_handler: The handler that processes it.
        context: The context of the connection.
        channel: The data channel.
        set_additional_outputs: Called with each ``AdditionalOutputs``.
    """

    def __init__(
        self,
        track: MediaStreamTrack,
        event_handler: StreamHandlerBase,
        context: Context,
        channel: DataChannel | None = None,
        set_additional_outputs: SetOutputs | None = None,
    ) -> None:
        super().__init__(
            event_handler,
            context,
            channel,
            set_additional_outputs,
            mode="send-receive",
            track=track,
        )

    @property
    def start_up_task(self) -> asyncio.Task[Any] | None:
        """The task that runs the handler's ``start_up``, once media flow."""
        return self._task("start_up")

    @property
    def process_input_task(self) -> asyncio.Task[Any] | None:
        """The task that calls the handler's ``receive``, once media flow."""
        return self._task("receive")

    @property
    def decode_task(self) -> asyncio.Task[Any] | None:
        """The task that calls the handler's ``emit``, once media flow."""
        return self._task("emit")

    def _task(self, name: str) -> asyncio.Task[Any] | None:
        return None if self._media is None else self._media.tasks.get(name)

    def event_handler_receive(self, frame: tuple[int, NDArray[np.int16]]) -> Awaitable[None]:
        """Call the handler's ``receive`` once; returns an awaitable of the result."""
        session, _ = self._open()
        return session.invoker.call("program", self.event_handler.receive, frame)

    def event_handler_emit(self) -> Awaitable[EmitType]:
        """Call the handler's ``emit`` once; returns an awaitable of the result."""
        session, _ = self._open()
        return session.invoker.call("program", self.event_handler.emit)


class ServerToClientAudio(AudioMediaCallback):
    """The outgoing audio of a connection whose client only receives.

    Args:
        event_handler: A generator function of audio, or a handler.
        context: The context of the connection.
        channel: The data channel.
        set_additional_outputs: Called with each ``AdditionalOutputs``.

    Attributes:
        args_set: Set once inputs are set.
    """

    def __init__(
        self,
        event_handler: Any,
        context: Context,
        channel: DataChannel | None = None,
        set_additional_outputs: SetOutputs | None = None,
    ) -> None:
        super().__init__(event_handler, context, channel, set_additional_outputs, mode="receive")

    def _prepare(self) -> None:
        self.args_set = threading.Event()

    def set_args(self, args: list[Any]) -> None:
        """Set the inputs of the handler; callable from any thread."""
        super().set_args(args)
        self.args_set.set()


def _rate(frame: PlayoutFrame) -> int:
    size: int = frame.samples.shape[1]
    return size * 50


def _audio_frame(frame: PlayoutFrame) -> av.AudioFrame:
    packed = np.ascontiguousarray(frame.samples.T).reshape(1, -1)
    layout = "stereo" if frame.samples.shape[0] == 2 else "mono"
    audio = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
    audio.sample_rate = _rate(frame)
    audio.pts = frame.pts
    audio.time_base = Fraction(1, OPUS_RATE)
    return audio


def _planar(frame: av.AudioFrame) -> NDArray[Any]:
    """Return the samples of a frame, shape ``(channels, n)``."""
    samples = frame.to_ndarray()
    if frame.format.is_planar:
        return samples
    return samples.reshape(-1, len(frame.layout.channels)).T
