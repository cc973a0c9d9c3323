import gradio as gr

from fastrtc import AdditionalOutputs, ReplyOnPause, Stream, WebRTCData


def answer(data: WebRTCData):
    if data.textbox:
        yield AdditionalOutputs(f"You typed {data.textbox!r}")
    else:
        yield data.audio


stream = Stream(
    ReplyOnPause(answer),
    modality="audio",
    additional_outputs=[gr.Textbox(label="Answer")],
    additional_outputs_handler=lambda before, now: now,
    ui_args={"variant": "textbox"},
)

if __name__ == "__main__":
    stream.ui.launch()
