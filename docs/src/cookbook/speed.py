import gradio as gr

from fastrtc import EspeakTTSOptions, ReplyOnPause, Stream, get_tts_model

voice = get_tts_model("espeak")


def reply(audio, speed=1.0):
    options = EspeakTTSOptions(speed=speed)
    yield from voice.stream_tts_sync("This is how fast I speak.", options)


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    additional_inputs=[gr.Slider(0.5, 2, value=1, label="Speed")],
)

if __name__ == "__main__":
    stream.ui.launch()
