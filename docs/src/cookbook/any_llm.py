import os
import re

from openai import OpenAI

from fastrtc import ReplyOnPause, Stream, get_stt_model, get_tts_model

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY
ears = get_stt_model()
voice = get_tts_model()


def sentences(pieces):
    """Join what a model streams into whole sentences."""
    text = ""
    for piece in pieces:
        *whole, text = re.split(r"(?<=[.!?])\s+", text + piece)
        yield from whole
    if text.strip():
        yield text


class Assistant(ReplyOnPause):
    def __init__(self):
        super().__init__(self.reply)
        self.history = [{"role": "system", "content": "Answer in a sentence or two."}]

    def reply(self, audio):
        self.history.append({"role": "user", "content": ears.stt(audio)})
        answer = client.chat.completions.create(
            model=os.environ.get("MODEL", "llama3.2"),
            messages=self.history,
            stream=True,
        )
        pieces = (c.choices[0].delta.content or "" for c in answer if c.choices)
        said = []
        try:
            for sentence in sentences(pieces):
                said.append(sentence)
                yield from voice.stream_tts_sync(sentence)
        finally:  # also when somebody interrupts
            self.history.append({"role": "assistant", "content": " ".join(said)})


stream = Stream(Assistant(), modality="audio", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
