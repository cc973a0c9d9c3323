"""The codecs of aiortc, and the negotiated ones."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

from aiortc.sdp import MediaDescription

from .patch import Patch

__all__ = [
    "COMMON",
    "NEGOTIATED",
    "Codec",
    "announce_fec",
    "describe_codecs",
    "keep_common_codecs",
    "negotiated_codecs",
    "supported_codecs",
]

NEGOTIATED = Patch(
    name="negotiated codecs",
    target="RTCRtpTransceiver._codecs",
    seen="aiortc 1.15 and 1.16",
    needs=("RTCRtpTransceiver()._codecs",),
    lost="audio is encoded and decoded by aiortc: Opus at its settings, 80 ms later",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc exposes the negotiated codecs of a transceiver",
)

COMMON = Patch(
    name="common codecs",
    target="aiortc.codecs.CODECS",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "aiortc.codecs.CODECS",
        "aiortc.codecs.HEADER_EXTENSIONS",
        "aiortc.codecs.is_rtx",
        "aiortc.rtcpeerconnection.is_codec_compatible",
    ),
    lost="an offer without a common codec is refused with aiortc's error, which names no codec, "
    "and an offer that has a codec twice is answered with duplicates",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc exposes which codecs of an offer it would negotiate",
)

NO_CODECS = ("rtx", "red", "ulpfec", "flexfec-03", "cn", "telephone-event")
"""Formats that are not codecs: retransmission, redundancy, comfort noise, DTMF."""


class Codec(NamedTuple):
    """A negotiated codec.

    Attributes:
        payload_type: Its number in RTP packets.
        name: The name in lower case, such as ``"opus"``.
        parameters: The parameters for aiortc's own codecs.
    """

    payload_type: int
    name: str
    parameters: Any


def negotiated_codecs(transceiver: Any) -> list[Codec]:
    """Return the negotiated codecs; the first is used for sending."""
    if not NEGOTIATED.fits:
        return []
    return [Codec(codec.payloadType, codec.name.lower(), codec) for codec in transceiver._codecs]


def announce_fec(transceiver: Any) -> None:
    """State in the answer that FEC of Opus is decoded, so that clients send it (RFC 7587)."""
    for codec in negotiated_codecs(transceiver):
        if codec.name == "opus":
            codec.parameters.parameters["useinbandfec"] = 1


def keep_common_codecs(media: MediaDescription) -> bool:
    """Reduce an offered section to the codecs and header extensions that aiortc supports.

    Of several formats of one codec, the first is kept.

    Returns:
        Whether a codec is left.
    """
    if not COMMON.fits:
        return bool(media.rtp.codecs)
    codecs: Any = importlib.import_module("aiortc.codecs")
    is_compatible: Any = importlib.import_module("aiortc.rtcpeerconnection").is_codec_compatible
    kept: dict[Any, Any] = {}
    taken: set[int] = set()
    for codec in media.rtp.codecs:
        if codec.payloadType in kept:
            continue
        if codecs.is_rtx(codec):
            if codec.parameters.get("apt") in kept:
                kept[codec.payloadType] = codec
            continue
        for index, ours in enumerate(codecs.CODECS[media.kind]):
            if index not in taken and is_compatible(ours, codec):
                taken.add(index)
                codec.rtcpFeedback = [f for f in ours.rtcpFeedback if f in codec.rtcpFeedback]
                kept[codec.payloadType] = codec
                break
    media.rtp.codecs = list(kept.values())
    known = {extension.uri for extension in codecs.HEADER_EXTENSIONS[media.kind]}
    extensions = {e.uri: e for e in media.rtp.headerExtensions if e.uri in known}
    media.rtp.headerExtensions = list(extensions.values())
    return bool(taken)


def describe_codecs(codecs: list[Any]) -> str:
    """Format codecs for an error message, such as ``H264 (profile-level-id 640c1f)``.

    Args:
        codecs: The codecs as parsed by aiortc. Names are cut to 64 characters; 8 are named.
    """
    names: dict[str, None] = {}
    for codec in codecs:
        if codec.name.lower() in NO_CODECS:
            continue
        details = [
            f"{key} {codec.parameters[key]}"
            for key in ("profile-level-id", "packetization-mode")
            if key in codec.parameters and codec.name.lower() == "h264"
        ]
        name = f"{codec.name} ({', '.join(details)})" if details else codec.name
        names[name[:64]] = None
    shown = list(names)[:8]
    return ", ".join(shown) + (f" and {len(names) - 8} more" if len(names) > 8 else "") or "none"


def supported_codecs(kind: str) -> str:
    """Format the codecs that aiortc supports for audio, or for video."""
    if not COMMON.fits:
        return "others"
    codecs: Any = importlib.import_module("aiortc.codecs")
    return describe_codecs(codecs.CODECS[kind])
