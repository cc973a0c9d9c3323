"""Serve the demos: their pages from their folders, their streams below the same path."""

import errno
import importlib
import mimetypes
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

ROOT = Path(__file__).resolve().parents[1]
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".py": "text/plain",
}


def build(names: Sequence[str], front: str | None = None) -> FastAPI:
    """Create an application with these demos, each under its own path.

    Args:
        names: The names of the demos' folders.
        front: The demo whose Gradio page is the front page; the list of the others is at /plain
            then.
    """
    app = FastAPI(title="fastrtc demos")
    for name in names:
        stream = importlib.import_module(f"{name}.app").stream
        stream.verbose = False  # `serve` prints the address of all demos
        stream.mount(app, path=f"/{name}")
        add_page(app, name)

    # @fastrtc/client, served as in any program with its own page.
    mimetypes.add_type("text/javascript", ".js")  # the registry of Windows may have another type
    app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))

    @app.get("/shared/{file}", include_in_schema=False)
    def shared(file: str) -> Response:
        if not file.endswith((".js", ".css", ".svg")):
            raise HTTPException(404)
        return page(f"shared/{file}")

    def index() -> Response:
        return page("index.html") if len(names) > 1 else RedirectResponse(f"/{names[0]}/")

    app.get("/plain", include_in_schema=False)(index)
    if front is None:
        app.get("/", include_in_schema=False)(index)
        return app

    import gradio

    stream = importlib.import_module(f"{front}.app").stream
    return gradio.mount_gradio_app(app, stream.ui, path="/")


def add_page(app: FastAPI, name: str) -> None:
    """Serve the page of a demo, its scripts, and its program, which the page shows."""

    @app.get(f"/{name}", include_in_schema=False)
    def without_slash() -> Response:
        # The page uses relative addresses, so its own must end in a slash.
        return RedirectResponse(f"/{name}/")

    @app.get(f"/{name}/", include_in_schema=False)
    def demo() -> Response:
        return page(f"{name}/index.html")

    @app.get(f"/{name}/{{file}}", include_in_schema=False)
    def source(file: str) -> Response:
        if not (file in {"index.html", "app.py"} or file.endswith(".js")):
            raise HTTPException(404)
        return page(f"{name}/{file}")


def page(file: str) -> Response:
    path = ROOT / file
    if path.suffix not in TYPES or not path.is_file():
        raise HTTPException(404)
    # "no-cache" makes browsers check for changes; otherwise they guess.
    return FileResponse(path, media_type=TYPES[path.suffix], headers={"Cache-Control": "no-cache"})


def serve(names: Sequence[str], front: str | None = None) -> None:
    """Serve these demos on this machine; the environment variable PORT sets the port."""
    port = int(os.environ.get("PORT", "7860"))
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error}"
        sys.exit(f"Port {port} {why}. Choose another by the environment: PORT={port + 1}")
    app = build(names, front)
    print(f"The demos are at http://127.0.0.1:{port}  (Ctrl-C ends them)", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
