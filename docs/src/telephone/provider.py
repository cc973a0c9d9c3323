import base64
import json

from fastrtc import ReplyOnPause, Stream
from fastrtc.telephony import Call, MalformedMessage, Provider, Start


class Example(Provider):
    name = "example"

    @classmethod
    def recognises(cls, start):
        return "call" in start

    def begin(self, start):
        self.stream_id = start["call"]
        if not isinstance(self.stream_id, str):
            raise MalformedMessage("'call' must be a string", close_code=1003)
        call = Call(self.name, id=self.stream_id, start=start)
        return Start(self.stream_id, "mulaw", input_rate=8000, output_rate=8000, call=call)

    def audio(self, payload):
        media = {"payload": base64.b64encode(payload).decode()}
        return json.dumps({"event": "media", "media": media})

    def clear(self):
        return json.dumps({"event": "clear"})

    def mark(self, name):
        return json.dumps({"event": "mark", "mark": {"name": name}})


def echo(audio):
    yield audio


stream = Stream(
    ReplyOnPause(echo), modality="audio", mode="send-receive", phone_providers=[Example]
)
