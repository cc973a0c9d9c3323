import os

from openai import OpenAI

from fastrtc import ReplyOnPause, Stream, get_stt_model, get_tts_model

llm = OpenAI()  # reads OPENAI_API_KEY, and OPENAI_BASE_URL for any compatible service
ears, voice = get_stt_model(), get_tts_model()


def reply(audio):
    answer = llm.chat.completions.create(
        model=os.getenv("MODEL", "gpt-4o-mini"),
        messages=[{"role": "user", "content": ears.stt(audio)}],
    )
    yield from voice.stream_tts_sync(answer.choices[0].message.content or "")


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
