from fastrtc import ConnectionEnd, Context, ReplyOnPause, Stream


def echo(audio):
    yield audio


def on_connect(context: Context) -> None:
    print(context.webrtc_id, "has connected:", context.metadata)


async def on_disconnect(context: Context, end: ConnectionEnd) -> None:
    print(f"{context.webrtc_id} talked for {end.duration_s:.0f} s: {end.code}, {end.reason}")


stream = Stream(
    ReplyOnPause(echo),
    modality="audio",
    mode="send-receive",
    time_limit=600,
    idle_timeout=120,
    on_connect=on_connect,
    on_disconnect=on_disconnect,
)
