"""Every way to run a stream, as a program of its own.

    python -m tests.faults.ways

imports what takes long, once. For each line ``WAY LOG`` that it reads it forks a program, which
writes into the file LOG, and prints the id of the process. The file LOG.status is made when it
has ended.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import gradio.networking
import uvicorn
from fastapi import FastAPI

from fastrtc import Stream, WebRTC
from fastrtc.cli import main
from fastrtc.server.fastphone import FastPhoneService
from tests.support.peers import LOCAL
from tests.support.ports import free_port
from tests.webrtc.handlers import AsyncAudioEcho

__all__ = ["DRAIN_S", "WAYS"]

DRAIN_S = 0.5


class Echo(AsyncAudioEcho):
    async def shutdown(self) -> None:
        print("shutdown", flush=True)


def printed_port() -> int:
    """Choose a port, and print it."""
    port = free_port()
    print("port", port, flush=True)
    return port


def stream(drain_limit: float = DRAIN_S) -> Stream:
    return Stream(
        Echo(),
        modality="audio",
        mode="send-receive",
        server_rtc_configuration=LOCAL,
        verbose=False,
        drain_limit=drain_limit,
    )


def own_page() -> gr.Blocks:
    with gr.Blocks() as page:
        component = WebRTC(modality="audio", server_rtc_configuration=LOCAL)
        component.stream(Echo(), [component], [component])
        component.drain_limit = DRAIN_S
    return page


def rendered_page() -> gr.Blocks:
    """The page of a stream as a part of another."""
    made = stream()
    with gr.Blocks() as page:
        made.ui.render()
    return page


def launch(page: gr.Blocks, **options: Any) -> None:
    page.launch(server_port=printed_port(), quiet=True, **options)


def serve(app: FastAPI) -> None:
    uvicorn.run(app, port=printed_port(), log_level="warning")


def mounted() -> None:
    app = FastAPI()
    stream().mount(app)
    serve(app)


def mounted_page(page: gr.Blocks) -> None:
    serve(gr.mount_gradio_app(FastAPI(), page, path=""))


def fastphone() -> None:
    """The service is a server of the test's, the tunnel leads nowhere."""

    def setup_tunnel(host: str, port: int, token: str, *rest: Any) -> str:
        print("port", port, flush=True)
        return f"https://tunnel-{port}.example"

    gradio.networking.setup_tunnel = setup_tunnel
    service = FastPhoneService(os.environ["SERVICE"])
    stream().fastphone("hf_mine", port=0, service=service, log_level="warning")


def command(*arguments: str) -> None:
    sys.exit(main([*arguments, "--port", str(printed_port())]))


def own_handlers() -> None:
    """A program that has installed what is to happen on signals."""

    def leave(number: int, frame: Any) -> None:
        print("own handler", flush=True)
        sys.exit(3)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    launch(stream().ui)


def own_loop() -> None:
    """A program that goes on after ``launch``, and catches Ctrl-C itself."""
    launch(stream().ui, prevent_thread_lock=True)
    try:
        while True:
            time.sleep(0.1)
    except KeyboardInterrupt:
        print("caught", flush=True)


WAYS: dict[str, Callable[[], None]] = {
    "launch": lambda: launch(stream().ui),
    "launch_own_page": lambda: launch(own_page()),
    "launch_rendered_page": lambda: launch(rendered_page()),
    "launch_patiently": lambda: launch(stream(60).ui),
    "mount": mounted,
    "mount_page": lambda: mounted_page(stream().ui),
    "mount_own_page": lambda: mounted_page(own_page()),
    "fastphone": fastphone,
    "demo": lambda: command("demo", "audio_echo"),
    "demo_page": lambda: command("demo", "audio_echo", "--ui"),
    "doctor": lambda: command("doctor", "--microphone"),
    "own_handlers": own_handlers,
    "own_loop": own_loop,
}


def fork_programs() -> str:
    """Fork until there is nothing to read; return in each program which one it is."""
    while line := sys.stdin.readline():
        way, log = line.split()
        child = os.fork()
        if child == 0:
            output = os.open(log, os.O_WRONLY | os.O_CREAT)
            for number in (1, 2):
                os.dup2(output, number)
            return way
        print(child, flush=True)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        Path(f"{log}.status").write_text(f"{status}\n")
    return ""


if __name__ == "__main__" and (way := fork_programs()):
    WAYS[way]()
