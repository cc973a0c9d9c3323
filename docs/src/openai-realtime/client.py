import asyncio
import base64

from openai import AsyncOpenAI


async def ask(url, question):
    """Type a question, and return the text and the audio of the reply (PCM at 24 kHz)."""
    client = AsyncOpenAI(api_key="none is needed", websocket_base_url=f"{url}/v1")
    audio, text = b"", ""
    async with client.realtime.connect(model="any") as connection:
        await connection.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": question}],
            }
        )
        await connection.response.create()
        async for event in connection:
            if event.type == "response.output_audio.delta":
                audio += base64.b64decode(event.delta)
            elif event.type == "response.output_audio_transcript.done":
                text = event.transcript
            elif event.type == "response.done":
                break
    return text, audio


if __name__ == "__main__":
    print(asyncio.run(ask("ws://127.0.0.1:8000", "Hello"))[0])
