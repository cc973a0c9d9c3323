"""A stream that talks with the applications; as a program, it serves them, too.

`POST /cut` loses all TCP connections, without the farewell of a WebSocket.
"""

import asyncio
import os
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from fastrtc import ReplyOnPause, Stream, Transcript, get_current_context

BUILT = {"vite": "dist", "next": "out"}
"""The folder that an application is built into."""


def reply(audio):
    """Have the client show the turn, and say what the user has said."""
    context = get_current_context()
    turn = context.state["turns"] = context.state.get("turns", 0) + 1
    context.send(Transcript(context.call_sync("show_turn", {"turn": turn})))
    yield audio


def count_turns() -> int:
    return get_current_context().state.get("turns", 0)


def make_app() -> FastAPI:
    stream = Stream(
        ReplyOnPause(reply),
        modality="audio",
        mode="send-receive",
        concurrency_limit=10,
        verbose=False,
        server_rtc_configuration={"iceServers": []},
    )
    stream.method(count_turns)
    app = FastAPI()
    stream.mount(app, path="/api")
    return app


def serve(apps: Path, port: int) -> None:
    app = make_app()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))

    def abort() -> None:
        for connection in list(server.server_state.connections):
            connection.transport.abort()

    @app.post("/cut")
    async def cut() -> None:
        asyncio.get_running_loop().call_later(0.1, abort)  # after the response

    app.get("/")(lambda: sorted(BUILT))
    for name, built in BUILT.items():
        app.mount(f"/{name}", StaticFiles(directory=apps / name / built, html=True))
    server.run()


if __name__ == "__main__":
    serve(Path(os.environ["APPS"]), int(os.environ["PORT"]))
