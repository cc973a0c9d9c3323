"""``fastrtc talk TARGET``: a conversation with a stream, in the terminal."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..testing.errors import CallFailed
from ..testing.impairments import Network
from ..testing.lines import line_for
from ..testing.speech import to_audio
from .arguments import InvalidArgument, parse_headers
from .talk_calls import run_script
from .talk_devices import Microphone, NoDevice, Player
from .talk_display import Display
from .talk_live import LiveCall
from .talk_script import ScriptError
from .talk_state import Conversation
from .talk_target import find_target

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["run"]

PAUSE_S = 1.5
"""Silence after a reply that ends it, with ``--wav`` and typed text, in seconds."""

LIMIT_S = 10.0
"""How long to wait for such a reply by default, in seconds."""

MAX_REPLY_S = 120.0
"""How long such a reply may be, in seconds."""

WITHOUT_EFFECT = {
    "microphone and speaker": ("limit",),
    "--text": ("input_device",),
    "--wav": ("input_device", "output_device"),
    "--script": ("out", "input_device", "output_device"),
}
"""Options that have no effect on a kind of conversation."""

T = TypeVar("T")


def run(given: argparse.Namespace) -> int:
    """Talk.

    Returns:
        The exit status: 0, 1 if the conversation or an expectation failed, or 2 for invalid
        arguments.
    """
    try:
        headers = parse_headers(given.header)
        _check_options(given)
        audio = to_audio(_path(given.wav), None) if given.wav is not None else None
        target = find_target(given.target)
        if given.script is not None:
            return run_script(given.script, target, given.transport, headers, given.limit)
    except (InvalidArgument, ScriptError) as error:
        return _fail(error, 2)
    except CallFailed as error:  # a WAV file that is none
        return _fail(error, 2)
    try:
        return asyncio.run(_talk(given, target, headers, audio))
    except (CallFailed, NoDevice, OSError) as error:
        return _fail(error, 1)


def _check_options(given: argparse.Namespace) -> None:
    """Reject options that would have no effect, and a file that cannot be written."""
    sources = {"--text": given.text or None, "--wav": given.wav, "--script": given.script}
    kind = next((one for one in sources if sources[one] is not None), "microphone and speaker")
    for name in WITHOUT_EFFECT[kind]:
        if getattr(given, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise InvalidArgument(f"{option} has no effect with {kind}")
    if given.text and given.limit is not None and sys.stdin.isatty():
        raise InvalidArgument("--limit has no effect on lines that are typed: pipe them")
    if given.out is not None:
        out = Path(given.out)
        if out.is_dir() or not out.parent.is_dir():
            raise InvalidArgument(
                f"--out must be a file in a folder that exists, not {given.out!r}"
            )


def _path(given: str) -> str:
    if not given.lower().endswith(".wav"):
        raise InvalidArgument(f"--wav must be the path of a WAV file, not {given!r}")
    return given


def _fail(error: Exception, status: int) -> int:
    print(f"fastrtc talk: {error}", file=sys.stderr)
    return status


async def _talk(
    given: argparse.Namespace,
    target: Stream | str,
    headers: dict[str, str],
    audio: NDArray[np.int16] | None,
) -> int:
    line = line_for(given.transport, target, Network(), headers)
    conversation = Conversation()
    display = Display(sys.stdout, conversation, typed=given.text)
    with ExitStack() as devices:
        player = None
        if audio is None:
            player = _open(devices, lambda: Player(given.output_device), needed=not given.text)
        async with LiveCall(
            line, conversation, display, player, records=given.out is not None
        ) as call:
            try:
                if audio is not None:
                    status = await _play(call, conversation, audio, given.limit or LIMIT_S)
                elif given.text:
                    status = await _type(call, conversation, display, given.limit or LIMIT_S)
                else:
                    _open(devices, lambda: Microphone(given.input_device, call.hear_microphone))
                    status = await _listen(call)
            finally:
                if given.out is not None:
                    call.save(given.out)
    print(conversation.summary())
    return status


def _open(devices: ExitStack, create: Callable[[], T], *, needed: bool = True) -> T | None:
    """Open a device; without one that is not needed, say so and return None."""
    try:
        device = create()
    except NoDevice as error:
        if needed:
            raise
        print(f"replies are not played: {error}", file=sys.stderr)
        return None
    devices.callback(device.close)  # type: ignore[attr-defined]
    return device


async def _listen(call: LiveCall) -> int:
    """Talk until Ctrl-C, or until the program ends the call."""
    with _on_interrupt(call.ended.set):
        await call.ended.wait()
    return 0


async def _play(
    call: LiveCall, conversation: Conversation, audio: NDArray[np.int16], limit_s: float
) -> int:
    """Say audio, and wait until the reply is over."""
    call.say(audio)
    await call.until(lambda: not call.is_saying, len(audio) / 48_000 + MAX_REPLY_S)
    return await _finish(call, conversation, limit_s)


async def _finish(call: LiveCall, conversation: Conversation, limit_s: float) -> int:
    since_s = call.now_s()
    replies = conversation.replies
    spoken_s = conversation.spoken_s or 0.0

    def replied() -> bool:
        heard_s = conversation.heard_s
        return conversation.replies > replies or (heard_s is not None and heard_s > spoken_s)

    if not await call.until(replied, limit_s):
        raise CallFailed(f"no reply within {limit_s:g} s")
    if not await call.until(lambda: conversation.is_over(call.now_s(), PAUSE_S), MAX_REPLY_S):
        raise CallFailed(f"the program still speaks after {call.now_s() - since_s:.0f} s")
    return 0


async def _type(
    call: LiveCall, conversation: Conversation, display: Display, limit_s: float
) -> int:
    """Say typed lines: at once on a terminal, otherwise each after the reply to the last one."""
    interactive = sys.stdin.isatty()
    lines = _read_lines()
    with _on_interrupt(call.ended.set) if interactive else contextlib.nullcontext():
        while (text := await _next(lines, call.ended)) is not None:
            try:
                call.say(to_audio(text, None))
            except CallFailed as error:
                if not interactive:
                    raise
                display.line(call.now_s(), str(error))
            if not interactive:
                display.line(call.now_s(), f"you: {text}")
                await call.until(lambda: not call.is_saying, MAX_REPLY_S)
                await _finish(call, conversation, limit_s)
    return 0


async def _next(lines: asyncio.Queue[str | None], ended: asyncio.Event) -> str | None:
    """Return the next line; None at the end of the input or of the call."""
    reading = asyncio.create_task(lines.get())
    ending = asyncio.create_task(ended.wait())
    await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
    text = reading.result() if reading.done() and not ended.is_set() else None
    for task in (reading, ending):
        task.cancel()
    await asyncio.gather(reading, ending, return_exceptions=True)
    return text


def _read_lines() -> asyncio.Queue[str | None]:
    """Read lines of standard input, in a thread that does not keep the process alive."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            for line in sys.stdin:
                if line.strip():
                    loop.call_soon_threadsafe(lines.put_nowait, line.strip())
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="fastrtc-stdin", daemon=True).start()
    return lines


@contextlib.contextmanager
def _on_interrupt(call: Callable[[], object]):  # type: ignore[no-untyped-def]
    """Call a function on Ctrl-C, where the system allows it."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, call)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
