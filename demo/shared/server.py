"""Serves the demos: their pages as they lie in the folder, their streams below the same path."""

import importlib
import os
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
    ".py": "text/plain",
}


def build(names: Sequence[str]) -> FastAPI:
    """Make an application of these demos, each under its own path."""
    app = FastAPI(title="fastrtc demos")
    for name in names:
        stream = importlib.import_module(f"{name}.app").stream
        stream.verbose = False  # `serve` says where the demos are, once for all
        stream.mount(app, path=f"/{name}")

    # The client core, as any program can serve it to its own pages.
    app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        if len(names) == 1:
            return RedirectResponse(f"/{names[0]}/")
        return page("index.html")

    @app.get("/{name}", include_in_schema=False)
    async def without_slash(name: str) -> Response:
        # The page's addresses are relative, so its own must end in a slash.
        if name not in names:
            raise HTTPException(404)
        return RedirectResponse(f"/{name}/")

    @app.get("/shared/{file}", include_in_schema=False)
    async def shared(file: str) -> Response:
        if not file.endswith((".js", ".css")):
            raise HTTPException(404)
        return page(f"shared/{file}")

    @app.get("/{name}/", include_in_schema=False)
    async def demo(name: str) -> Response:
        return await source(name, "index.html")

    @app.get("/{name}/{file}", include_in_schema=False)
    async def source(name: str, file: str) -> Response:
        if name not in names or not (file in {"index.html", "app.py"} or file.endswith(".js")):
            raise HTTPException(404)
        return page(f"{name}/{file}")

    return app


def page(file: str) -> Response:
    path = ROOT / file
    if path.suffix not in TYPES or not path.is_file():
        raise HTTPException(404)
    # "no-cache" means: ask whether it changed. Without it, browsers guess.
    return FileResponse(path, media_type=TYPES[path.suffix], headers={"Cache-Control": "no-cache"})


def serve(names: Sequence[str]) -> None:
    """Serve these demos on this machine; PORT in the environment chooses the port."""
    port = int(os.environ.get("PORT", "7860"))
    print(f"The demos are at http://127.0.0.1:{port}  (Ctrl-C ends them)", flush=True)
    uvicorn.run(build(names), host="127.0.0.1", port=port, log_level="warning")
