"""`python -m tests.demos.calls demo NAME --phone`: the command `fastrtc`, far from the internet.

The FastPhone service is the one at SERVICE; Gradio's tunnel, which needs Gradio's servers, leads
nowhere, and its name has the port.
"""

import os
import sys
from functools import partial

import gradio.networking

from fastrtc.cli import main
from fastrtc.server import fastphone


def tunnel(
    local_host: str, local_port: int, share_token: str, server: str | None, certificate: str | None
) -> str:
    return f"https://tunnel-{local_port}.example"


if __name__ == "__main__":
    gradio.networking.setup_tunnel = tunnel
    fastphone.FastPhoneService = partial(fastphone.FastPhoneService, os.environ["SERVICE"])
    sys.exit(main(sys.argv[1:]))
