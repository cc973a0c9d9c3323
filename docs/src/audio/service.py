from openai import OpenAI

from fastrtc import AdditionalOutputs, ReplyOnPause, Stream, audio_to_bytes


def transcribe(audio):
    mp3 = audio_to_bytes(audio)
    heard = OpenAI().audio.transcriptions.create(model="whisper-1", file=("audio.mp3", mp3))
    yield AdditionalOutputs(heard.text)


stream = Stream(ReplyOnPause(transcribe), modality="audio", mode="send")
