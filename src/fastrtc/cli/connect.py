"""``fastrtc doctor --connect URL``: connect to a running server as a client does."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..client.errors import ClientError, refused
from ..client.signaling import Route, Signaling, is_answer, modality_in
from ..core.diagnosis import CandidateInfo
from ..transport.webrtc.probe import Probe
from .arguments import InvalidArgument, parse_headers, server_url
from .finding import Finding

__all__ = ["InvalidArgument", "try_to_connect"]

CONNECT_TIMEOUT_S = 10.0
"""How long the connection may take. The server waits 30 s; where a route exists, it is found within
a second or two."""

TCP_TIMEOUT_S = 3.0
"""How long a TCP port of the server may take to accept a connection."""

MEDIA_TIMEOUT_S = 5.0
"""How long to wait for media of the server."""

MAX_SHOWN = 20
"""Candidates of a side, or checks, that are shown."""


def try_to_connect(
    url: str, configuration: dict[str, Any] | None, headers: Iterable[str]
) -> list[Finding]:
    """Connect to a server, measure the connection, and close it.

    Args:
        url: The address of a page, of a mounted stream or of its offer route.
        configuration: The client's ICE servers, in the format of browsers; None uses those of a
            Gradio page, if it has any.
        headers: Headers of the requests, as ``"NAME: VALUE"``.

    Raises:
        InvalidArgument: If the URL or a header is malformed.
    """
    address, named = server_url("--connect", url), parse_headers(headers)
    return asyncio.run(_try(address, configuration, named))


async def _try(
    url: str, configuration: dict[str, Any] | None, headers: dict[str, str]
) -> list[Finding]:
    async with Signaling(url, headers) as signaling:
        attempt = _Attempt(signaling)
        try:
            await attempt.run(configuration)
        except ClientError as error:
            attempt.findings.append(Finding("offer", "wrong", error.message, error.advice))
        return attempt.findings


class _Attempt:
    """One attempt to connect.

    Args:
        signaling: Sends the offers.

    Attributes:
        findings: What was found.
    """

    def __init__(self, signaling: Signaling) -> None:
        self._signaling = signaling
        self._webrtc_id = f"doctor-{uuid.uuid4().hex[:12]}"
        self.findings: list[Finding] = []

    async def run(self, configuration: dict[str, Any] | None) -> None:
        """Connect with audio and video, or with what the stream takes.

        Raises:
            ClientError: If the server does not answer the offer.
        """
        route = await self._signaling.find()
        self.findings += [Finding("stream", "note", note) for note in route.notes]
        if configuration is None:
            configuration = await self._signaling.page_configuration(route)
        kinds: Sequence[str] = ("audio", "video")
        others = await self._offer(route, kinds, configuration)
        if others:
            await self._offer(route, others, configuration)

    async def _offer(
        self, route: Route, kinds: Sequence[str], configuration: dict[str, Any] | None
    ) -> Sequence[str]:
        """Offer kinds of media; return those to offer instead if the stream takes others."""
        loop = asyncio.get_running_loop()
        probe = Probe(kinds, configuration)
        try:
            body = {
                "sdp": await probe.offer(),
                "type": "offer",
                "webrtc_id": self._webrtc_id,
            }
            started = loop.time()
            answer = await self._signaling.send(route, body)
            took = _duration(loop.time() - started)
            if is_answer(answer):
                detail = f"{route.url} answers {' and '.join(kinds)} in {took}"
                self.findings.append(Finding("offer", "ok", detail))
                await self._connect(probe, answer["sdp"])
                return ()
            refusal = refused(answer)
            others = modality_in(refusal.message)
            if others and set(others) != set(kinds):
                return others
            self.findings.append(Finding("offer", "wrong", refusal.message, refusal.advice))
            return ()
        finally:
            await probe.close()

    async def _connect(self, probe: Probe, answer: str) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            connected = await probe.connect(answer, CONNECT_TIMEOUT_S)
        except ValueError as error:
            self.findings.append(Finding("offer", "wrong", str(error)))
            return
        connected_s = loop.time() - started
        self.findings += _candidates("server", probe.remote)
        self.findings += _candidates("client", probe.local)
        self.findings += _checks(probe, connected)
        if connected:
            self.findings.append(
                Finding("connection", "ok", f"connected in {_duration(connected_s)}")
            )
            await self._measure(probe)
            return
        why = probe.explain()
        view = f'On the server, print(stream.diagnose("{self._webrtc_id}")) shows its side.'
        problem = f"not connected within {_duration(connected_s)}: {why.problem}"
        has_route = probe.checks()[1] is not None
        tcp = None if has_route else await probe.open_tcp_port(TCP_TIMEOUT_S)
        if tcp is None:
            advice = "\n".join((*why.advice, view))
            self.findings.append(Finding("connection", "wrong", problem, advice))
            return
        problem += f" over UDP. Browsers can connect over TCP: {tcp.address} is open"
        advice = "\n".join((*why.advice[:1], view))
        self.findings.append(Finding("connection", "note", problem, advice))

    async def _measure(self, probe: Probe) -> None:
        waited = await probe.round_trip()
        if waited is not None:
            self.findings.append(Finding("round trip", "ok", _duration(waited)))
        loop = asyncio.get_running_loop()
        started = loop.time()
        if not probe.receives:
            self.findings.append(Finding("media", "ok", "the stream sends none (mode 'send')"))
        for kind in probe.receives:
            if await probe.first_media(kind, MEDIA_TIMEOUT_S):
                detail = f"{kind} arrives, {_duration(loop.time() - started)} later"
                self.findings.append(Finding("media", "ok", detail))
            else:
                detail = f"no {kind} within {MEDIA_TIMEOUT_S:.0f} s of silence"
                advice = "Intended if the handler only replies to speech; or see the server's log."
                self.findings.append(Finding("media", "note", detail, advice))


def _candidates(side: str, candidates: Sequence[CandidateInfo]) -> Iterator[Finding]:
    for candidate in candidates[:MAX_SHOWN]:
        yield Finding(side, "note" if candidate.note else "ok", str(candidate))
    if not candidates:
        yield Finding(side, "wrong", f"the {side} offers no address")


def _checks(probe: Probe, connected: bool) -> Iterator[Finding]:
    checks, selected = probe.checks()
    for check in checks[:MAX_SHOWN]:
        if check == selected:
            yield Finding("check", "ok", f"{check}; selected")
        else:
            answered = check.state == "succeeded" or connected
            yield Finding("check", "ok" if answered else "note", str(check))


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
