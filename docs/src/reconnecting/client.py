import asyncio
import sys

from fastrtc import Client


async def listen(url):
    """Count what arrives, over all outages, until the session ends."""
    async with Client(url, resume=True) as client:
        showing = asyncio.create_task(show(client))
        samples = 0
        async for chunk in client.audio():
            samples += len(chunk.samples)
        await showing
    print(f"{samples / 48000:.1f} s of audio")
    return client.error  # None if the program above closed it


async def show(client):
    async for message in client.messages():
        if message["type"] in ("reconnecting", "reconnected"):
            print(message["type"])


if __name__ == "__main__":  # python client.py http://127.0.0.1:8000
    asyncio.run(listen(sys.argv[1]))
