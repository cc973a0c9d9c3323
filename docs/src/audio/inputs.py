import gradio as gr

from fastrtc import AdditionalOutputs, ReplyOnPause, Stream


def reply(audio, volume, history):
    rate, samples = audio
    yield AdditionalOutputs([*history, f"{samples.shape[1] / rate:.1f} s of speech"])
    yield rate, (samples * volume).astype("int16")


said = gr.JSON([], label="What was said")
stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    additional_inputs=[gr.Slider(0, 1, value=0.5, label="Volume"), said],
    additional_outputs=[said],
    additional_outputs_handler=lambda before, now: now,
)

if __name__ == "__main__":
    stream.ui.launch()
