"""The base class and the messages of telephone providers, for programs that add a provider."""

from ..core.context import Call
from ..transport.socket.events import Audio, Dtmf, Encoding, Mark, SocketEvent, Start, Stop
from ..transport.telephony.plivo import Plivo
from ..transport.telephony.provider import MalformedMessage, Message, Provider
from ..transport.telephony.telnyx import Telnyx
from ..transport.telephony.twilio import Twilio

__all__ = [
    "Audio",
    "Call",
    "Dtmf",
    "Encoding",
    "MalformedMessage",
    "Mark",
    "Message",
    "Plivo",
    "Provider",
    "SocketEvent",
    "Start",
    "Stop",
    "Telnyx",
    "Twilio",
]
