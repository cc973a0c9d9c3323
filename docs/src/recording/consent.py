from fastrtc import Recorder, ReplyOnPause, Stream, get_current_context


def reply(audio):
    yield audio


def on_message(message):
    """The page has a box to check: "You may record this call"."""
    recording = get_current_context().recording
    if message["type"] == "consent" and message["given"]:
        recording.start()
    elif message["type"] == "consent":
        recording.stop()


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    record=Recorder("calls/{id}.ogg", start="manual"),
    on_message=on_message,
)
