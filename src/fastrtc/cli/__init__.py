"""The command line: ``fastrtc init``, ``demo``, ``doctor``, ``serve``, ``talk`` and others.

The module of each command is imported when the command runs, so that the others cost nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._version import __version__

__all__ = ["main"]

VERSION = f"fastrtc {__version__}"

MAX_WORKERS = 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The command-line arguments; by default those of this process.

    Returns:
        The exit status: 0 for success, 1 for a problem, 2 for an invalid command.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        status = _run(given, parser)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130  # the exit status of shells after Ctrl-C
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _run(given: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if given.command == "demo":
        from . import demo

        return demo.run(given.name, port=given.port, mode=given.mode)
    if given.command == "doctor":
        from . import doctor

        return doctor.run(given)
    if given.command == "init":
        from . import init

        return init.run(given.folder, given.kind)
    if given.command == "packages":
        from . import packages

        return packages.run(given.folder)
    if given.command == "playground":
        from . import playground

        return playground.run(given)
    if given.command == "serve":
        from . import serve

        return serve.run(given)
    if given.command == "talk":
        from . import talk

        return talk.run(given)
    if given.command == "version":
        print(VERSION)
        return 0
    parser.print_help()
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fastrtc", description="Real-time audio and video streams in Python."
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    _add_init(commands)
    demo = commands.add_parser(
        "demo", help="run a demo, or list them", description="Run a demo; without NAME, list them."
    )
    demo.add_argument("name", nargs="?", metavar="NAME", help="a name from the list")
    demo.add_argument("--port", type=_port, default=7860, help="default: %(default)s")
    mode = demo.add_mutually_exclusive_group()
    ui, phone = "serve the Gradio page of the stream", "take telephone calls through FastPhone"
    mode.add_argument("--ui", dest="mode", action="store_const", const="UI", help=ui)
    mode.add_argument("--phone", dest="mode", action="store_const", const="PHONE", help=phone)

    doctor = commands.add_parser(
        "doctor",
        help="check for problems that can keep streams from working",
        description="Check the installation and, on request, STUN and TURN servers, a running "
        "server and the microphone; print how to fix problems. The exit status is 1 if there is a "
        "problem.",
    )
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.add_argument(
        "--rtc-configuration",
        metavar="FILE_OR_JSON",
        help="test the servers of a configuration in the browser's format",
    )
    doctor.add_argument("--stun", metavar="URL", help="test a server, such as stun:host:3478")
    doctor.add_argument("--turn", metavar="URL", help="test a server, such as turn:host:3478")
    doctor.add_argument(
        "--connect",
        metavar="URL",
        help="connect to a running server, such as http://127.0.0.1:7860, as a client does, with "
        "the STUN and TURN servers of the other options",
    )
    doctor.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="for --connect, such as 'Authorization: Bearer TOKEN'; repeatable",
    )
    doctor.add_argument("--username", help="for --turn")
    doctor.add_argument("--credential", help="for --turn")
    doctor.add_argument(
        "--microphone", action="store_true", help="serve a page that tests the microphone"
    )
    doctor.add_argument("--port", type=_port, default=7860, help="port of that page; default: 7860")

    _add_playground(commands)
    _add_serve(commands)
    _add_talk(commands)
    packages = commands.add_parser(
        "packages",
        help="write the npm packages of the client",
        description="Write the npm packages @fastrtc/client and @fastrtc/react as files that "
        "`npm install` accepts.",
    )
    packages.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="default: this folder"
    )
    commands.add_parser("version", help="print the version")
    return parser


def _add_init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    init = commands.add_parser(
        "init",
        help="write a new app: a voice assistant, to build on",
        description="Write a voice assistant that runs without a key, to build on: the program in "
        "Python, a page, a test and a Dockerfile.",
    )
    init.add_argument("folder", type=Path, metavar="DIR", help="a new folder, named as the app")
    kind = init.add_mutually_exclusive_group()
    for name, about in {
        "react": "a page with React and Vite, instead of plain HTML; needs Node",
        "next": "a page with Next.js; needs Node",
        "gradio": "the Gradio page of the stream",
    }.items():
        kind.add_argument(f"--{name}", dest="kind", action="store_const", const=name, help=about)
    init.set_defaults(kind="html")


def _add_playground(commands: Any) -> None:
    playground = commands.add_parser(
        "playground",
        help="talk to a running stream on a page",
        description="Serve a page on this machine that talks to a running stream, and shows its "
        "levels, transcript, messages, turns and network.",
    )
    playground.add_argument(
        "url",
        metavar="URL",
        help="a Gradio page or a mounted stream, such as http://127.0.0.1:7860",
    )
    playground.add_argument(
        "--port", type=_port, help="port of the page; default: one of its own for each URL"
    )
    playground.add_argument(
        "--modality",
        choices=("audio", "video", "audio-video"),
        help="default: that of the stream, if it can be found out",
    )
    playground.add_argument(
        "--mode",
        choices=("send-receive", "send", "receive"),
        help="default: that of the stream, if it can be found out",
    )
    playground.add_argument(
        "--transport", choices=("auto", "webrtc", "websocket"), help="default: auto"
    )
    playground.add_argument("--token", help="sent with each request, unless the page has another")
    playground.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="of each request to URL; repeatable",
    )
    playground.add_argument(
        "--open",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether to open the page in the browser",
    )


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser(
        "serve",
        help="serve an app in several processes",
        description="Serve an ASGI app in several processes, on one machine or several: any "
        "request may reach any of them. SIGTERM or Ctrl-C stops it, after drain_limit; SIGHUP "
        "replaces the workers one by one.",
    )
    serve.add_argument("app", metavar="MODULE:APP", help="such as app:app for app in app.py")
    serve.add_argument(
        "--workers", type=_count, default=1, metavar="N", help="processes; default: %(default)s"
    )
    serve.add_argument("--host", default="127.0.0.1", help="address; default: %(default)s")
    serve.add_argument("--port", type=_port, default=8000, help="default: %(default)s")
    serve.add_argument(
        "--udp-port",
        type=_port,
        metavar="PORT",
        help="UDP port of the first worker; each has one port for all of its connections, and a "
        "worker that replaces another one the port after the last. Default: random ports",
    )
    serve.add_argument(
        "--startup-timeout",
        type=_whole_seconds,
        default=30,
        metavar="SECONDS",
        help="how long a worker may take to load the app, or not respond; default: %(default)s",
    )
    serve.add_argument(
        "--redis",
        metavar="URL",
        help="for several machines: the Redis that they share, such as redis://10.0.0.5:6379/0",
    )
    serve.add_argument(
        "--secret-file",
        metavar="FILE",
        help="for --redis: the secret that the machines share; or set FASTRTC_CLUSTER_SECRET",
    )
    serve.add_argument(
        "--address",
        metavar="HOST",
        help="for --redis: where the other machines reach this one; default: its address towards "
        "Redis",
    )


def _whole_seconds(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds, at least 1")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 1 to {MAX_WORKERS}")
    return int(text)


def _add_talk(commands: Any) -> None:
    talk = commands.add_parser(
        "talk",
        help="talk to a stream in the terminal",
        description="Talk to a stream: with microphone and speaker, with typed text, with a WAV "
        "file, or as a script says. The exit status is 1 if the conversation or an expectation "
        "fails.",
    )
    talk.add_argument(
        "target",
        metavar="TARGET",
        help="MODULE:STREAM, such as app:stream; PATH.py:STREAM; or the URL of a server, such as "
        "http://127.0.0.1:7860",
    )
    source = talk.add_mutually_exclusive_group()
    source.add_argument("--text", action="store_true", help="type what to say, instead of speaking")
    source.add_argument("--wav", metavar="IN.WAV", help="say a WAV file, and end with the reply")
    source.add_argument(
        "--script", metavar="CALLS.YAML", help="run scripted calls; print a JSON object a line"
    )
    talk.add_argument(
        "--out",
        metavar="OUT.WAV",
        help="save both sides, in stereo, in this file; not with --script",
    )
    talk.add_argument(
        "--transport",
        choices=("webrtc", "websocket"),
        default="webrtc",
        help="default: %(default)s",
    )
    talk.add_argument(
        "--limit",
        type=_seconds,
        metavar="SECONDS",
        help="how long to wait for a reply with --wav, --script, and --text from a pipe; "
        "default: 10",
    )
    talk.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="of each request, such as 'Authorization: Bearer TOKEN'; repeatable",
    )
    device = "its number or a part of its name, instead of the default"
    talk.add_argument(
        "--input-device", type=_device, metavar="DEVICE", help=f"the microphone: {device}"
    )
    talk.add_argument(
        "--output-device",
        type=_device,
        metavar="DEVICE",
        help=f"the speaker, also with --text: {device}",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def _device(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port: it must be a number from 1 to 65535"
        )
    return int(text)
