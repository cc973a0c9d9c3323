from fastrtc import AdditionalOutputs, ReplyOnPause, Stream, WebRTCData


def answer(data: WebRTCData):
    if data.textbox:
        yield AdditionalOutputs(f"You typed {data.textbox!r}")
    else:
        yield data.audio


stream = Stream(ReplyOnPause(answer), modality="audio", ui_args={"variant": "textbox"})
