from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream, ToolCall, Transcript, get_stt_model, get_tts_model

ears = get_stt_model("pocketsphinx", words=["yes", "no", "monday", "tuesday"])
voice = get_tts_model("espeak")


def reply(audio):
    said = ears.stt(audio)
    yield Transcript(said, who="user")
    if said == "monday":
        weather = yield ToolCall("get_weather", {"day": said})
        yield from voice.stream_tts_sync(f"On {said} it will be {weather}.")
    else:
        yield from voice.stream_tts_sync(f"You said {said or 'nothing'}.")


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive", concurrency_limit=10)
app = FastAPI()
stream.mount(app, protocols=["fastrtc", "openai-realtime"])
