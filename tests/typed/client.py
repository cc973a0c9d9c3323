"""What a strictly typed program writes with the Python client."""

import asyncio

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

from fastrtc import Client, ClientError
from fastrtc.client import JSON, ReceivedAudio, ReceivedVideo


async def talk(url: str, samples: NDArray[np.int16], image: NDArray[np.uint8]) -> None:
    try:
        async with Client(url, "webrtc", modality="audio-video", headers={"X": "y"}) as client:
            await client.send_audio((24000, samples))
            await client.send_audio((24000, samples.astype(np.float32)))
            await client.send_video(image)
            client.send({"type": "mine", "data": [1, None]})
            await client.set_inputs("/inputs", {"volume": 0.5})
            async for chunk in client.audio():
                assert_type(chunk, ReceivedAudio)
                assert_type(chunk.samples, NDArray[np.int16])
            async for frame in client.video():
                assert_type(frame, ReceivedVideo)
            async for message in client.messages():
                assert_type(message, dict[str, JSON])
            async for data in client.outputs("/outputs"):
                assert_type(data, str)
            assert_type(await client.wait_closed(), ClientError | None)
    except ClientError as error:
        assert_type(error.code, str)
        assert_type(error.meta, dict[str, JSON])


if __name__ == "__main__":
    asyncio.run(talk("http://127.0.0.1", np.zeros(1, np.int16), np.zeros((2, 2, 3), np.uint8)))
