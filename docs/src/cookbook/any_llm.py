import os

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from fastrtc import ReplyOnPause, Stream, get_stt_model, get_tts_model
from fastrtc.text_to_speech import SentenceSplitter

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY
ears = get_stt_model()
voice = get_tts_model()


def sentences(pieces):
    """Yield each sentence as soon as it is complete, so that speech starts early."""
    splitter = SentenceSplitter()
    for piece in pieces:
        yield from splitter.push(piece)
    yield from splitter.flush()


class Assistant(ReplyOnPause):
    def __init__(self):
        super().__init__(self.reply)
        self.history: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": "Answer in a sentence or two."}
        ]

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
        finally:  # also when the user interrupts
            self.history.append({"role": "assistant", "content": " ".join(said)})


stream = Stream(Assistant(), modality="audio", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
