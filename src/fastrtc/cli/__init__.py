"""The command line: ``fastrtc demo``, ``fastrtc doctor`` and ``fastrtc version``.

Each command is a module that is imported when it is asked for, so that the others cost nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from .._version import __version__

__all__ = ["main"]

VERSION = f"fastrtc {__version__}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What stands after the program's name; by default what this one was given.

    Returns:
        The exit status: 0 when all is well, 1 when something is not, 2 for a command that was
        not understood.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        status = _run(given, parser)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130  # as shells have it after Ctrl-C
    except BrokenPipeError:  # who reads, such as `head`, has enough
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

    demo = commands.add_parser(
        "demo", help="run a demo, or list them", description="Run a demo; without NAME, list them."
    )
    demo.add_argument("name", nargs="?", metavar="NAME", help="as the list has it")
    demo.add_argument("--port", type=_port, default=7860, help="default: %(default)s")
    mode = demo.add_mutually_exclusive_group()
    ui, phone = "serve the Gradio page of the stream", "take telephone calls through FastPhone"
    mode.add_argument("--ui", dest="mode", action="store_const", const="UI", help=ui)
    mode.add_argument("--phone", dest="mode", action="store_const", const="PHONE", help=phone)

    doctor = commands.add_parser(
        "doctor",
        help="look for what could keep streams from working",
        description="Look at what is installed and, if asked, at STUN and TURN servers and the "
        "microphone; say what to do about what is wrong. The exit status is 1 if something is.",
    )
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.add_argument(
        "--rtc-configuration",
        metavar="FILE_OR_JSON",
        help="try the servers of a configuration, as browsers have it",
    )
    doctor.add_argument("--stun", metavar="URL", help="try a server, such as stun:host:3478")
    doctor.add_argument("--turn", metavar="URL", help="try a server, such as turn:host:3478")
    doctor.add_argument("--username", help="for --turn")
    doctor.add_argument("--credential", help="for --turn")
    doctor.add_argument(
        "--microphone", action="store_true", help="serve a page that tries the microphone"
    )
    doctor.add_argument("--port", type=_port, default=7860, help="of that page; default: 7860")

    commands.add_parser("version", help="print the version")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 1 to 65535 is")
    return int(text)
