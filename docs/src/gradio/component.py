import gradio as gr

from fastrtc import AdditionalOutputs, ReplyOnPause, WebRTC


def reply(audio, history, volume):
    rate, samples = audio
    said = {"role": "user", "content": f"{samples.size / rate:.1f} s of speech"}
    yield AdditionalOutputs(said)
    yield rate, (samples * volume).astype("int16")


with gr.Blocks() as demo:
    history = gr.State([])
    audio = WebRTC(modality="audio", mode="send-receive", full_screen=False)
    volume = gr.Slider(0, 1, value=0.5, label="Volume")
    said = gr.JSON(label="Said")
    audio.stream(
        ReplyOnPause(reply),
        inputs=[audio, history, volume],
        outputs=[audio],
        time_limit=90,
        concurrency_limit=10,
    )
    audio.on_additional_outputs(
        lambda history, message: ([*history, message],) * 2,
        inputs=[history],
        outputs=[history, said],
        show_progress="hidden",
    )

if __name__ == "__main__":
    demo.launch()
