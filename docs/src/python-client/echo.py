import asyncio
import sys
import wave

import numpy as np

from fastrtc import Client


async def talk(url, path):
    """Send a recording, and return the audio that comes back until it is as long."""
    with wave.open(path) as file:  # mono, 16 bit, any rate
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    async with Client(url, sample_rate=24000) as client:
        sending = asyncio.create_task(client.send_audio((rate, samples)))
        heard = []
        async for chunk in client.audio():
            heard.append(chunk.samples)
            if len(heard) / 50 >= len(samples) / rate:
                break
        await sending
    return np.concatenate(heard)


if __name__ == "__main__":  # python echo.py http://127.0.0.1:8000 in.wav
    samples = asyncio.run(talk(*sys.argv[1:]))
    print(f"{len(samples) / 24000:.1f} s came back")
