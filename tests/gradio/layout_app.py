"""Serves pages with inputs and outputs, for `test_layout.py`; PORT says where.

/{modality}/{mode}/{inputs}/{outputs}    the default page of a stream with so many of each
/own/{modality}                          a gr.Blocks of one's own with nothing but the component
"""

import gradio as gr
from app import CONFIGURATION, HANDLERS, chatbot, flip, mount, pictures, serve, tone
from fastapi import FastAPI
from layouts import COUNTS

from fastrtc import Stream, WebRTC

INPUTS = (
    lambda: gr.Slider(0, 1, value=0.5, label="Level"),
    lambda: gr.Textbox(label="Prompt"),
    lambda: gr.Dropdown(["Ada", "Grace"], value="Ada", label="Voice"),
)
OUTPUTS = (chatbot, lambda: gr.Textbox(label="Transcript"), lambda: gr.Number(label="Count"))
WITH_INPUTS = {
    flip: lambda frame, *values: flip(frame),
    tone: lambda *values: tone(),
    pictures: lambda *values: pictures(),
}


def page(modality: str, mode: str, inputs: int, outputs: int) -> gr.Blocks:
    handler = HANDLERS[modality, mode]()
    return Stream(
        WITH_INPUTS.get(handler, handler),
        modality=modality,
        mode=mode,
        concurrency_limit=4,
        additional_inputs=[make() for make in INPUTS[:inputs]],
        additional_outputs=[make() for make in OUTPUTS[:outputs]],
        additional_outputs_handler=(lambda *values: values[:-1]) if outputs else None,
        verbose=False,
        **CONFIGURATION,
    ).ui


def own_page(modality: str) -> gr.Blocks:
    with gr.Blocks() as blocks:
        component = WebRTC(modality=modality, mode="send-receive", **CONFIGURATION)
        handler = HANDLERS[modality, "send-receive"]()
        component.stream(handler, [component], [component], concurrency_limit=4)
    return blocks


def main() -> None:
    app = FastAPI()
    for modality in {modality for modality, _ in COUNTS}:
        app = mount(app, own_page(modality), f"/own/{modality}")
    for (modality, mode), counts in COUNTS.items():
        for inputs, outputs in counts:
            path = f"/{modality}/{mode}/{inputs}/{outputs}"
            blocks = page(modality, mode, inputs, outputs)
            app = mount(app, blocks, path)

    serve(app)


if __name__ == "__main__":
    main()
