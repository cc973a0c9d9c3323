import gradio as gr
import numpy as np

from fastrtc import WebRTC


def beeps(count):
    beep = np.sin(np.arange(4800) / 24000 * 880 * np.pi).astype("float32") / 3
    for _ in range(int(count)):
        yield 24000, beep.reshape(1, -1)
        yield 24000, np.zeros((1, 4800), "float32")


with gr.Blocks() as demo:
    audio = WebRTC(modality="audio", mode="receive", full_screen=False)
    count = gr.Slider(1, 10, value=3, step=1, label="Beeps")
    button = gr.Button("Beep")
    audio.stream(beeps, inputs=[count], outputs=[audio], trigger=button.click)

if __name__ == "__main__":
    demo.launch()
