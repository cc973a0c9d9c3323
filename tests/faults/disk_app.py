"""Replies that need a file in a folder where there is no room for it.

    python -m tests.faults.disk_app FOLDER [BYTES]

The folder has less than 8 KB; or no file may have more than so many bytes, where every write fails
as on a full disk, but with "File too large". It calls itself, asks twice, and prints what came.
"""

import asyncio
import logging
import os
import resource
import sys
import tempfile
from typing import Any

from fastrtc import ReplyOnPause, Stream, audio_to_file
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone

asked = 0


class Deaf:
    """A pause detector that hears nothing: replies are asked for."""

    def vad(self, audio: Any, options: Any) -> tuple[float, list[Any]]:
        return 0.0, []

    def warmup(self) -> None:
        pass


def reply(audio: Any) -> Any:
    global asked
    asked += 1
    if asked < 3:
        audio_to_file((24000, tone(1.0)))
    yield 48000, tone(1.0)


async def main() -> None:
    stream = Stream(
        ReplyOnPause(reply, model=Deaf()),
        modality="audio",
        mode="send-receive",
        server_rtc_configuration=LOCAL,
    )
    async with Client(stream, audio=AudioSource(tone(60))) as client:
        handler: Any = stream.handlers[client.webrtc_id]
        await eventually(lambda: client.webrtc_id in stream.data_channels)
        for number in range(1, 4):
            handler.trigger_response()
            await eventually(lambda number=number: asked == number)
            if number < 3:
                await eventually(lambda number=number: len(client.of_type("error")) == number)
        await eventually(lambda: client.loud())
        for message in client.of_type("error"):
            print(message["data"])
        print(client.states)
        print(os.listdir(tempfile.tempdir))


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    tempfile.tempdir = sys.argv[1]
    for most in sys.argv[2:]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), resource.RLIM_INFINITY))
    asyncio.run(main())
