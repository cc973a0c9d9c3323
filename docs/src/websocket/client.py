import asyncio
import json
import sys
import uuid
import wave

from websockets.asyncio.client import connect

RATE = 24000
PIECE = RATE // 50 * 2  # bytes of 20 ms


async def send(socket, recording):
    for start in range(0, len(recording), PIECE):
        await socket.send(recording[start : start + PIECE])
        await asyncio.sleep(0.02)  # in real time


async def talk(url, recording):
    """Send 16-bit PCM, and return the audio received until it is as long."""
    async with connect(url) as socket:
        audio = {"encoding": "pcm16", "binary": True}
        audio |= {"input_sample_rate": RATE, "output_sample_rate": RATE}
        start = {"event": "start", "websocket_id": str(uuid.uuid4()), "audio": audio}
        await socket.send(json.dumps(start))
        sending = None
        heard = b""
        async for message in socket:
            if isinstance(message, bytes):
                heard += message
                if len(heard) >= len(recording):
                    break
            elif (event := json.loads(message)).get("event") == "started":
                sending = asyncio.create_task(send(socket, recording))
            elif event.get("status") == "failed":
                raise RuntimeError(event["meta"]["error"])
            elif event.get("type") == "error":
                raise RuntimeError(event["message"])
        if sending is not None:
            await sending
        await socket.send(json.dumps({"event": "stop"}))
    return heard


if __name__ == "__main__":  # python client.py ws://127.0.0.1:8000/websocket/offer in.wav
    url, path = sys.argv[1:]
    with wave.open(path) as file:  # 24 kHz, mono, 16 bit
        heard = asyncio.run(talk(url, file.readframes(file.getnframes())))
    print(f"{len(heard) / 2 / RATE:.1f} s came back")
