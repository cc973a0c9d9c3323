import asyncio

from fastrtc import Client, ClientError


async def converse(url, recording):
    """Send audio, and print messages and outputs until the server ends the connection."""
    try:
        async with Client(url, headers={"Authorization": "Bearer TOKEN"}) as client:
            await client.set_inputs("/inputs", {"brightness": 0.5})
            tasks = [
                asyncio.create_task(client.send_audio(recording)),
                asyncio.create_task(print_messages(client)),
                asyncio.create_task(print_outputs(client)),
            ]
            ended = await client.wait_closed()  # None if the client has closed it
            print("ended:", ended and ended.code)
            for task in tasks:
                task.cancel()
    except ClientError as error:
        print(error, error.code, error.advice)


async def print_messages(client):
    async for message in client.messages():
        print(message["type"], message.get("data"))


async def print_outputs(client):
    async for data in client.outputs("/outputs"):
        print("output:", data)
