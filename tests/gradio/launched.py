"""Launches the page of an audio echo as a program does; PORT says where."""

import os

from app import CONFIGURATION, Echo

from fastrtc import Stream

Stream(Echo(), modality="audio", **CONFIGURATION).ui.launch(server_port=int(os.environ["PORT"]))
