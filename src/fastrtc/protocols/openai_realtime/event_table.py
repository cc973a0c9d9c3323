"""Which events of the protocol are supported: the table of the documentation."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

__all__ = ["CLIENT_EVENTS", "SERVER_EVENTS", "ClientRow"]

Support: TypeAlias = Literal["done", "refused"]


class ClientRow(NamedTuple):
    """What happens to an event of the client.

    Attributes:
        websocket: Over a WebSocket.
        webrtc: Over WebRTC.
        code: The code of the error, where it is refused.
    """

    websocket: Support = "done"
    webrtc: Support = "done"
    code: str = ""


CLIENT_EVENTS = {
    "session.update": ClientRow(),
    "input_audio_buffer.append": ClientRow("done", "refused", "unsupported"),
    "input_audio_buffer.commit": ClientRow(),
    "input_audio_buffer.clear": ClientRow(),
    "conversation.item.create": ClientRow(),
    "conversation.item.retrieve": ClientRow(),
    "conversation.item.delete": ClientRow(),
    "conversation.item.truncate": ClientRow(),
    "response.create": ClientRow(),
    "response.cancel": ClientRow(),
    "output_audio_buffer.clear": ClientRow("refused", "done", "unsupported"),
}
"""The events of the client. Others are refused with the code ``invalid_value``."""

SERVER_EVENTS = {
    "error": True,
    "session.created": True,
    "session.updated": True,
    "conversation.created": False,
    "conversation.item.created": False,
    "conversation.item.added": True,
    "conversation.item.done": True,
    "conversation.item.retrieved": True,
    "conversation.item.deleted": True,
    "conversation.item.truncated": True,
    "conversation.item.input_audio_transcription.delta": True,
    "conversation.item.input_audio_transcription.completed": True,
    "conversation.item.input_audio_transcription.segment": False,
    "conversation.item.input_audio_transcription.failed": False,
    "input_audio_buffer.speech_started": True,
    "input_audio_buffer.speech_stopped": True,
    "input_audio_buffer.committed": True,
    "input_audio_buffer.cleared": True,
    "input_audio_buffer.timeout_triggered": False,
    "input_audio_buffer.dtmf_event_received": False,
    "output_audio_buffer.started": True,
    "output_audio_buffer.stopped": True,
    "output_audio_buffer.cleared": True,
    "response.created": True,
    "response.done": True,
    "response.output_item.added": True,
    "response.output_item.done": True,
    "response.content_part.added": True,
    "response.content_part.done": True,
    "response.output_audio.delta": True,
    "response.output_audio.done": True,
    "response.output_audio_transcript.delta": True,
    "response.output_audio_transcript.done": True,
    "response.output_text.delta": True,
    "response.output_text.done": True,
    "response.function_call_arguments.delta": True,
    "response.function_call_arguments.done": True,
    "rate_limits.updated": False,
    "mcp_list_tools.in_progress": False,
    "mcp_list_tools.completed": False,
    "mcp_list_tools.failed": False,
    "response.mcp_call_arguments.delta": False,
    "response.mcp_call_arguments.done": False,
    "response.mcp_call.in_progress": False,
    "response.mcp_call.completed": False,
    "response.mcp_call.failed": False,
}
"""The events of the server, and whether they are sent."""
