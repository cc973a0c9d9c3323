import os

from openai import OpenAI

from fastrtc import ReplyOnPause, Stream, get_stt_model, get_tts_model

ears = get_stt_model()
voice = get_tts_model()
MODEL = os.getenv("MODEL", "gpt-4o-mini")


def reply(audio):
    llm = OpenAI()  # reads OPENAI_API_KEY, and OPENAI_BASE_URL for another service
    answer = llm.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "system", "content": "Answer in one or two spoken sentences."},
            {"role": "user", "content": ears.stt(audio)},
        ],
    )
    yield from voice.stream_tts_sync(answer.choices[0].message.content or "")


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
