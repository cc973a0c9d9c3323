from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream, get_stt_model, get_tts_model
from fastrtc.protocols.openai_realtime import realtime_session

ears = get_stt_model("pocketsphinx", words=["yes", "no"])
voice = get_tts_model("espeak")


def reply(audio):
    session = realtime_session()  # None for clients of other protocols
    text = session.text if session else ""  # what the user has typed
    said = text or ears.stt(audio)
    polite = session is not None and "polite" in session.instructions
    yield from voice.stream_tts_sync(f"{'Please, you' if polite else 'You'} said {said}.")


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
app = FastAPI()
stream.mount(app, protocols=["openai-realtime"])
