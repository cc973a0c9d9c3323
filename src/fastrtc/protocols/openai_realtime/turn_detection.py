"""The ``turn_detection`` of a session, as options of a ``ReplyOnPause``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...pause_detection.silero import SileroVadOptions
from ...turns.client_turns import ClientTurns
from ...turns.vad_options import MIN_PAUSE_S

__all__ = ["configure", "current_detection"]

MAX_S = 5.0
"""The longest silence and padding of a client that are used, in seconds."""

DEFAULT_THRESHOLD = 0.5


def current_detection(turns: ClientTurns | None, handler: Any) -> dict[str, Any] | None:
    """Return how the handler detects turns, as ``turn_detection``; None if they are manual.

    Args:
        turns: The turns of a ``ReplyOnPause``; None for another handler, which detects them itself,
            if at all.
        handler: The handler.
    """
    common = {"create_response": True, "interrupt_response": True}
    if turns is None:
        return {"type": "server_vad", **common}
    if not turns.detects:
        return None
    common["interrupt_response"] = handler.can_interrupt
    if turns.has_turn_model:
        return {"type": "semantic_vad", "eagerness": "auto", **common}
    options = handler.algo_options
    pause_s = max(0.0, options.audio_chunk_duration - options.speech_threshold)
    return {
        "type": "server_vad",
        "threshold": getattr(handler.model_options, "threshold", DEFAULT_THRESHOLD),
        "prefix_padding_ms": round(1000 * options.pre_roll_s),
        "silence_duration_ms": round(1000 * pause_s),
        **common,
    }


def configure(detection: dict[str, Any] | None, turns: ClientTurns | None, handler: Any) -> None:
    """Let a ``ReplyOnPause`` use the ``turn_detection`` of a client; others are not changed.

    Values that the client leaves out stay as they are.
    """
    if turns is None or not turns.detects:
        return
    turns.set_manual(detection is None)
    if detection is None:
        return
    handler.can_interrupt = detection.get("interrupt_response", True)
    if detection["type"] != "server_vad":
        return
    options = handler.algo_options
    if (silence_ms := detection.get("silence_duration_ms")) is not None:
        pause_s = min(max(silence_ms / 1000, MIN_PAUSE_S), MAX_S)
        options = replace(options, audio_chunk_duration=pause_s + options.speech_threshold)
    if (padding_ms := detection.get("prefix_padding_ms")) is not None:
        options = replace(options, pre_roll_s=min(padding_ms / 1000, MAX_S))
    handler.algo_options = options
    threshold, model_options = detection.get("threshold"), handler.model_options
    if threshold is not None and isinstance(model_options, SileroVadOptions | None):
        handler.model_options = replace(model_options or SileroVadOptions(), threshold=threshold)
