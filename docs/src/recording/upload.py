import shutil
from pathlib import Path

from fastrtc import Recorder, RecordingEnd, ReplyOnPause, Stream

ARCHIVE = Path("archive")


def reply(audio):
    yield audio


def archive(end: RecordingEnd):
    """Move a complete recording, and the file of its turns, to the archive."""
    if end.reason == "error":
        print(f"The recording of {end.webrtc_id} has failed: {end.error}")
        return
    ARCHIVE.mkdir(exist_ok=True)
    for path in (end.path, end.turns_path):
        if path is not None:
            shutil.move(path, ARCHIVE)


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    record=Recorder("calls/{id}.ogg", on_end=archive),
)
