"""``fastrtc doctor``: check for problems that can keep streams from working."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import platform
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .._version import __version__
from ..handlers.abandoned import LIMIT, read_reports
from .finding import Finding, print_findings
from .ports import port_problem
from .requirements import Need, extras

__all__ = ["Finding", "run"]

FOR_DEVELOPERS = {"dev"}

MODELS = {
    "moonshine/base": ("stt", "UsefulSensors/moonshine", "onnx/merged/base/float/{}.onnx"),
    "moonshine/tiny": ("stt", "UsefulSensors/moonshine", "onnx/merged/tiny/float/{}.onnx"),
    "kokoro": ("tts", "fastrtc/kokoro-onnx", "{}"),
}
"""Models that are downloaded from the Hugging Face Hub on first use: extra, repository and
files."""

FILES = {
    "stt": ("encoder_model", "decoder_model_merged"),
    "tts": ("kokoro-v1.0.onnx", "voices-v1.0.bin"),
}

ADVICE = {
    "name": "Check the host name; if it is correct, the machine has no working DNS.",
    "silent": "No response. Check the port, whether the server is running, and whether a firewall "
    "allows outgoing UDP (and the responses). If UDP is blocked, only a TURN server over TCP or "
    "TLS helps: turn:HOST:3478?transport=tcp, or turns:HOST:443?transport=tcp.",
    "unreachable": "Nothing listens there, or a firewall refuses the connection. Check the port, "
    "the transport, and whether the server is running.",
    "tls": "The server's certificate was not accepted, or the port does not use TLS.",
    "credentials": "The username and the credential are wrong or have expired: request new ones. "
    "A function as rtc_configuration does so for each connection; see fastrtc.credentials.",
    "no credentials": "A TURN server needs both: --username and --credential, or the same two in "
    "the entry of the configuration.",
    "refused": "The server refused the request. 486: too many relays for this user; 403: it "
    "may not relay for you. See the server's log.",
    "unsupported": "The server side of a stream cannot use it; browsers may. Add another server.",
}


def run(given: Namespace) -> int:
    """Run all requested checks and print the results.

    Returns:
        0 if nothing is wrong, 1 if something is wrong, 2 if the arguments are invalid.
    """
    try:
        configuration = _configuration(given)
    except ValueError as error:
        print(f"fastrtc doctor: {error}", file=sys.stderr)
        return 2
    if given.microphone and (problem := port_problem(given.port)):
        print(f"fastrtc doctor: {problem}", file=sys.stderr)
        return 2
    if given.connect is not None:
        from .connect import InvalidArgument, try_to_connect

        try:
            connection = try_to_connect(given.connect, configuration, given.header)
        except InvalidArgument as error:
            print(f"fastrtc doctor: {error}", file=sys.stderr)
            return 2
        return _show(connection, given, asked=True)
    needs = extras()
    findings = [
        *_python(),
        *_packages(needs),
        *_patches(),
        *_opus(),
        *_silero(),
        *_smart_turn(),
        *_models(needs),
        *_surroundings(),
        *_blocked_threads(),
    ]
    if configuration is not None:
        findings += _servers(configuration)
    status = _show(findings, given, asked=configuration is not None)
    if given.microphone:
        from .microphone import serve

        serve(given.port)
    return status


def _show(findings: list[Finding], given: Namespace, *, asked: bool) -> int:
    """Print findings, and return the exit status."""
    if given.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _print(findings, asked=asked)
    return 1 if any(finding.state == "wrong" for finding in findings) else 0


def _print(findings: list[Finding], *, asked: bool) -> None:
    print_findings(findings)
    if not asked:
        print("No STUN or TURN server was tested: use --rtc-configuration, --stun or --turn.")


def _python() -> Iterator[Finding]:
    where = f"{platform.python_version()}, {platform.system()} {platform.machine()}, {sys.prefix}"
    yield Finding("Python", "ok" if sys.version_info >= (3, 10) else "wrong", where)
    yield Finding("fastrtc", "ok", f"{__version__}, {Path(__file__).resolve().parents[1]}")


def _packages(by_extra: dict[str, list[Need]]) -> Iterator[Finding]:
    """Check the required packages, then the extras."""
    if not by_extra:
        detail = "run from source without metadata, so the requirements are unknown"
        yield Finding("packages", "note", detail, "pip install -e . in the repository")
    for extra, needs in by_extra.items():
        if extra in FOR_DEVELOPERS:
            continue
        lacking = [need for need in needs if not need.fits]
        if extra:
            names = ", ".join(f"{need.name} {need.installed or 'is missing'}" for need in needs)
            if lacking:
                install = f'pip install "fastrtc[{extra}]"'
                yield Finding(f"extra {extra}", "note", names, f"if you want it: {install}")
            else:
                yield Finding(f"extra {extra}", "ok", names)
            continue
        for need in needs:
            if need.fits:
                yield Finding(need.name, "ok", str(need.installed))
            else:
                detail = f"{need.installed} is installed" if need.installed else "is not installed"
                yield Finding(
                    need.name,
                    "wrong",
                    f"{detail}, {need.requirement} is needed",
                    f'pip install "{need.requirement}"',
                )


def _patches() -> Iterator[Finding]:
    """Report whether aiortc and aioice have the private names that fastrtc uses."""
    name = "aiortc's internals"
    try:
        from ..transport.webrtc._aiortc.registry import REGISTRY, versions
    except ImportError as error:
        yield Finding(name, "wrong", f"cannot be imported: {error}", "pip install fastrtc")
        return

    async def find_misfits() -> list[Any]:
        return REGISTRY.misfits()

    misfits = asyncio.run(find_misfits())
    if not misfits:
        detail = f"all {len(REGISTRY.patches)} patches fit {versions()}"
        yield Finding(name, "ok", detail)
    for patch in misfits:
        consequence = "WebRTC connections are refused, as" if patch.is_bound else "Without it,"
        yield Finding(
            f"patch {patch.name}",
            "wrong" if patch.is_bound else "note",
            f"{versions()}: {', '.join(patch.missing)} is missing. {consequence} {patch.lost}",
            "install versions that fastrtc allows: pip install --upgrade fastrtc",
        )


def _opus() -> Iterator[Finding]:
    """Report whether lost audio can be replaced by FEC."""
    try:
        from ..audio.libopus import libopus
    except ImportError:  # of PyAV, reported with the packages
        return
    library = libopus()
    if library is None:
        detail = "libopus was not found beside PyAV or in the system; lost audio is only concealed"
        yield Finding("Opus FEC", "note", detail, "install a wheel of PyAV (av), or libopus")
    else:
        yield Finding("Opus FEC", "ok", library.path)


def _silero() -> Iterator[Finding]:
    """Check the Silero VAD model, if its runtime is installed or a path is set."""
    from ..pause_detection.errors import INSTALL, ModelUnavailable
    from ..pause_detection.model_file import VARIABLE, find_local_file
    from ..pause_detection.onnx_vad import OnnxVad

    name, chosen = "Silero VAD", os.environ.get(VARIABLE)
    if not chosen and importlib.util.find_spec("onnxruntime") is None:
        return  # reported with the extra
    try:
        path = find_local_file()
        if path is None:
            yield Finding(name, "note", "loaded from the Hub on first use", INSTALL)
            return
        OnnxVad(path)
    except ModelUnavailable as error:
        advice = f"correct or unset {VARIABLE}" if chosen else INSTALL
        yield Finding(name, "wrong", str(error), advice)
    else:
        yield Finding(name, "ok", str(path))


def _smart_turn() -> Iterator[Finding]:
    """Check the Smart Turn model, if it is on this machine or a path is set."""
    from ..core.models import ModelError
    from ..end_of_turn import SmartTurn
    from ..end_of_turn.errors import INSTALL
    from ..end_of_turn.model_file import VARIABLE, find_local_file

    name, chosen = "Smart Turn", os.environ.get(VARIABLE)
    if not chosen and importlib.util.find_spec("onnxruntime") is None:
        return  # reported with the extra
    try:
        path = find_local_file()
        if path is None:
            return  # loaded from the Hub by those who use it
        SmartTurn(path)
    except ModelError as error:
        advice = f"correct or unset {VARIABLE}" if chosen else INSTALL
        yield Finding(name, "wrong", str(error), advice)
    else:
        yield Finding(name, "ok", str(path))


def _models(by_extra: dict[str, list[Need]]) -> Iterator[Finding]:
    """Report whether models from the Hub are cached, if their packages are installed."""
    installed = {extra for extra, needs in by_extra.items() if all(need.fits for need in needs)}
    if not installed & {"stt", "tts"}:
        return
    from huggingface_hub import constants, try_to_load_from_cache

    for name, (extra, repository, pattern) in MODELS.items():
        if extra not in installed:
            continue
        files = [pattern.format(file) for file in FILES[extra]]
        there = all(isinstance(try_to_load_from_cache(repository, file), str) for file in files)
        if there:
            yield Finding(name, "ok", f"in the cache, {constants.HF_HUB_CACHE}")
        elif constants.HF_HUB_OFFLINE:
            advice = f"unset HF_HUB_OFFLINE once to download it: hf download {repository}"
            yield Finding(name, "note", "not in the cache, and HF_HUB_OFFLINE is set", advice)
        else:
            yield Finding(name, "note", "not in the cache; downloaded from the Hub on first use")


def _surroundings() -> Iterator[Finding]:
    if importlib.util.find_spec("uvloop"):
        yield Finding("event loop", "ok", f"uvloop {version('uvloop')}, which uvicorn uses")
    else:
        yield Finding("event loop", "ok", "asyncio; uvicorn would use uvloop (fastrtc[fast])")
    yield Finding("ffmpeg", "ok", "not needed: PyAV includes its libraries")
    colab = os.getenv("COLAB_RELEASE_TAG") or os.getenv("COLAB_JUPYTER_IP")
    if colab or os.getenv("SPACE_ID") or os.getenv("SYSTEM") == "spaces":
        yield Finding(
            "place",
            "note",
            "Google Colab" if colab else "Hugging Face Spaces",
            "clients cannot reach it directly: pass the stream an rtc_configuration with TURN",
        )


def _blocked_threads() -> Iterator[Finding]:
    """Report local processes with threads that are blocked after their connection has ended."""
    for report in read_reports():
        places = ", ".join(sorted({thread.place for thread in report.threads}))
        count = len(report.threads)
        blocked = f"{count} threads that outlived their"
        if count == 1:
            blocked = "1 thread that outlived its"
        yield Finding(
            f"process {report.pid}",
            "note",
            f"{report.command}: {blocked} connection, blocked at {places}",
            f"end the wait in shutdown(); with {LIMIT} such threads, new connections are refused",
        )


def _servers(configuration: Any) -> Iterator[Finding]:
    """Request candidates from the STUN and TURN servers of a configuration."""
    from ..transport.webrtc.reachability import try_servers

    found = asyncio.run(try_servers(configuration))
    if not found:
        advice = "without servers, only clients in the same network can connect"
        yield Finding("iceServers", "note", "none", advice)
    for one in found:
        if one.failure is None:
            what = "seen from outside as" if one.kind == "srflx" else "relays at"
            yield Finding(one.url, "ok", f"{what} {one.address}")
        else:
            yield Finding(one.url, "wrong", one.detail, ADVICE[one.failure])
    if found and all(one.kind == "srflx" for one in found):
        advice = "in many company and mobile networks, only a TURN server works"
        yield Finding("relay", "note", "no TURN server", advice)
    for kind in ("srflx", "relay"):
        if sum(one.kind == kind for one in found) > 1:
            what = "STUN" if kind == "srflx" else "TURN"
            detail = f"several {what} servers: the server side uses only the first"
            yield Finding("iceServers", "note", detail)


def _configuration(given: Namespace) -> dict[str, Any] | None:
    """Return the configuration to test, from the option that has one.

    Raises:
        ValueError: If it is malformed.
    """
    servers: list[Any] = [{"urls": given.stun}] if given.stun else []
    if given.turn:
        who = {"username": given.username, "credential": given.credential}
        servers.append({"urls": given.turn, **who})
    if given.rtc_configuration:
        text = given.rtc_configuration
        if not text.lstrip().startswith(("{", "[")):
            try:
                text = Path(text).read_text(encoding="utf-8")
            except OSError as error:
                raise ValueError(f"{text} cannot be read: {error.strerror}") from error
        try:
            parsed = json.loads(text)
        except ValueError as error:
            raise ValueError(f"the rtc configuration is not JSON: {error}") from error
        read = parsed.get("iceServers") if isinstance(parsed, dict) else parsed
        if isinstance(read, list):
            servers += read
        elif read is not None:
            servers.append(read)
    elif not servers:
        return None
    from ..transport.webrtc.configuration import to_aiortc_configuration

    to_aiortc_configuration({"iceServers": servers})  # raises an error that describes the problem
    return {"iceServers": servers}
