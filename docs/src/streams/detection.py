import gradio as gr
import numpy as np

from fastrtc import AdditionalOutputs, Stream


def bright_parts(frame, threshold):
    mask = frame.mean(axis=2) > threshold
    share = round(100 * float(mask.mean()))
    return np.where(mask[..., None], frame, 0), AdditionalOutputs(share)


stream = Stream(
    bright_parts,
    modality="video",
    mode="send-receive",
    additional_inputs=[gr.Slider(0, 255, value=96, label="Threshold")],
    additional_outputs=[gr.Number(label="Bright, in percent")],
    additional_outputs_handler=lambda before, now: now,
)

if __name__ == "__main__":
    stream.ui.launch()
