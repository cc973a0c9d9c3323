"""Mounts the page of a stream, whose echo tells each prompt and its process; PORT says where.

The process has a place for one connection.
"""

import os
from typing import Any

import gradio as gr
import uvicorn
from app import CONFIGURATION, Echo
from fastapi import FastAPI

from fastrtc import AdditionalOutputs, Stream


class PromptedEcho(Echo):
    """Returns what it hears, and each prompt with the id of this process as an output."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []

    def emit(self) -> Any:
        if self.latest_args != self.told:
            self.told = self.latest_args
            return AdditionalOutputs(f"{self.told[-1]}@{os.getpid()}")
        return super().emit()

    def copy(self) -> "PromptedEcho":
        return PromptedEcho()


stream = Stream(
    PromptedEcho(),
    modality="audio",
    additional_inputs=[gr.Textbox(label="Prompt")],
    additional_outputs=[gr.Textbox(label="Prompts")],
    additional_outputs_handler=lambda before, prompt: f"{before} {prompt}",
    **CONFIGURATION,
)
app = gr.mount_gradio_app(FastAPI(), stream.ui, path="/", ssr_mode=False)
uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
