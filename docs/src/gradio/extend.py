import gradio as gr

from fastrtc import ReplyOnPause, Stream


def reply(audio):
    yield audio


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")

with stream.ui:
    gr.Markdown("Nothing that you say is kept.")

if __name__ == "__main__":
    stream.ui.launch()
