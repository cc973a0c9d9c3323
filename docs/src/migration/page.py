import gradio as gr
import numpy as np

from fastrtc import AdditionalOutputs, ReplyOnPause, WebRTC


def reply(audio: tuple[int, np.ndarray], webrtc_id, said):
    said = [*said, f"{audio[1].size / audio[0]:.0f} s"]
    yield AdditionalOutputs(said)
    yield audio


with gr.Blocks() as demo:
    said = gr.JSON([], label="Said")
    audio = WebRTC(modality="audio", mode="send-receive", rtc_configuration=None)
    audio.stream(
        fn=ReplyOnPause(reply),
        inputs=[audio, said],
        outputs=[audio],
        time_limit=60,
        concurrency_limit=2,
    )
    audio.on_additional_outputs(
        lambda now: now, outputs=[said], queue=False, show_progress="hidden"
    )

if __name__ == "__main__":
    demo.launch()
