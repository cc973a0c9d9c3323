"""Serves pages that go through a TURN server, as the environment says.

/fixed    the page through the relay alone, with a username and a password
/timed    the same with credentials for a limited time, from a function
/wrong    the same with a wrong password
/server   the server through the relay alone
"""

import json
import os

import gradio as gr
from app import NO_SERVERS, Echo, serve
from fastapi import FastAPI

from fastrtc import Stream, get_coturn_credentials


def for_a_time() -> dict:
    made = get_coturn_credentials(os.environ["SECRET"], os.environ["TIME_LIMITED"], user="page")
    return {**made, "iceTransportPolicy": "relay"}


def main() -> None:
    relay, wrong = json.loads(os.environ["RELAY"]), json.loads(os.environ["WRONG"])
    ways = {
        "/fixed": (relay, NO_SERVERS),
        "/timed": (for_a_time, NO_SERVERS),
        "/wrong": (wrong, NO_SERVERS),
        "/server": (NO_SERVERS, relay),
    }
    app = FastAPI()
    for path, (of_page, of_server) in ways.items():
        stream = Stream(
            Echo(),
            modality="audio",
            rtc_configuration=of_page,
            server_rtc_configuration=of_server,
        )
        app = gr.mount_gradio_app(app, stream.ui, path=path, ssr_mode=False)

    serve(app)


if __name__ == "__main__":
    main()
