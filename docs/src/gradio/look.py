import gradio as gr

from fastrtc import ReplyOnPause, WebRTC


def reply(audio):
    yield audio


with gr.Blocks() as demo:
    audio = WebRTC(
        modality="audio",
        mode="send-receive",
        icon="https://example.org/phone.svg",
        icon_button_color="#14532d",
        pulse_color="#22c55e",
        assistant_name="Ada",
        button_labels={"start": "Call", "stop": "Hang up", "waiting": "Ringing"},
    )
    audio.stream(ReplyOnPause(reply), inputs=[audio], outputs=[audio])

if __name__ == "__main__":
    demo.launch()
