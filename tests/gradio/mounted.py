"""Mounts a page of a program's own, whose echo tells each prompt and its process; PORT says where.

The process has a place for one connection.
"""

import os
from typing import Any

import gradio as gr
import uvicorn
from app import CONFIGURATION, Echo
from fastapi import FastAPI

from fastrtc import AdditionalOutputs, WebRTC


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


with gr.Blocks() as page:
    echo = WebRTC(modality="audio", mode="send-receive", **CONFIGURATION)
    prompt = gr.Textbox(label="Prompt")
    prompts = gr.Textbox(label="Prompts")
    echo.stream(PromptedEcho(), inputs=[echo, prompt], outputs=[echo], concurrency_limit=1)
    echo.on_additional_outputs(
        lambda before, prompt: f"{before} {prompt}", inputs=[prompts], outputs=[prompts]
    )
app = gr.mount_gradio_app(FastAPI(), page, path="/", ssr_mode=False)
uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
