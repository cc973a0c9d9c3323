from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream
from fastrtc.ray import deployment


class Model:
    """Your model, once for each GPU."""

    def answer(self, audio):
        return audio


def build(model):
    """Return the app of one replica."""

    async def reply(audio):
        yield await model.answer.remote(audio)

    stream = Stream(
        ReplyOnPause(reply),
        modality="audio",
        mode="send-receive",
        concurrency_limit=20,
    )
    app = FastAPI()
    stream.mount(app)
    return app


def application(arguments):
    from ray import serve

    model = serve.deployment(Model, ray_actor_options={"num_gpus": 1})
    voice = deployment(build, target_sessions=15, min_replicas=2, max_replicas=10)
    return voice.bind(model.bind())
