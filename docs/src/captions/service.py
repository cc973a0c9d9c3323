from collections import deque
from typing import Any

import numpy as np

from fastrtc import AsyncStreamHandler, Stream, Transcript, get_current_context


class Assistant(AsyncStreamHandler):
    """Plays what a speech-to-speech service sends, and shows its texts."""

    def __init__(self):
        super().__init__()
        self.events: deque[dict[str, Any]] = deque()

    async def start_up(self):
        await self.heard("u1", "Tell me", final=False)
        await self.heard("u1", "Tell me a story.", final=True)
        await self.spoken(np.zeros(24_000, np.int16), "Once upon a time")

    async def receive(self, frame):
        pass  # send the audio to the service

    async def heard(self, item: str, text: str, final: bool):
        """The service has recognized speech; further versions have the same id."""
        get_current_context().send(Transcript(text, "user", final=final, id=item))

    async def spoken(self, samples, text: str):
        """The service has sent audio with its text."""
        self.events.append({"samples": samples, "text": text})

    async def emit(self):
        if not self.events:
            return None
        event = self.events.popleft()
        return (24_000, event["samples"]), Transcript(event["text"])

    def copy(self):
        return Assistant()


stream = Stream(Assistant(), modality="audio", mode="send-receive")
