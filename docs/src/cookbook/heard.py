import os

from openai import OpenAI
from openai.types.chat import ChatCompletionAssistantMessageParam, ChatCompletionMessageParam

from fastrtc import Interruption, Interruptions, ReplyOnPause, Stream, get_stt_model, get_tts_model
from fastrtc.text_to_speech import SentenceSplitter

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY
ears = get_stt_model()
voice = get_tts_model("espeak")


def sentences(answer):
    splitter = SentenceSplitter()
    for chunk in answer:
        if chunk.choices:
            yield from splitter.push(chunk.choices[0].delta.content or "")
    yield from splitter.flush()


class Assistant(ReplyOnPause):
    def __init__(self):
        super().__init__(self.reply, on_interrupt=self.interrupted, interruptions=Interruptions())
        self.history: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": "Answer in a sentence or two."}
        ]

    def reply(self, audio):
        question = ears.stt(audio)
        message: ChatCompletionAssistantMessageParam = {
            "role": "assistant",
            "content": "(interrupted)",
        }
        self.history += [{"role": "user", "content": question}, message]
        answer = client.chat.completions.create(
            model=os.environ.get("MODEL", "llama3.2"), messages=self.history[:-1], stream=True
        )
        said = []
        for sentence in sentences(answer):
            yield from voice.stream_tts_sync(sentence)
            said.append(sentence)
        message["content"] = " ".join(said)

    def interrupted(self, interruption: Interruption):
        if interruption.text:  # the answer has begun
            heard = interruption.heard_text or "(interrupted)"
            self.history[-1] = {"role": "assistant", "content": heard}


stream = Stream(Assistant(), modality="audio", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
