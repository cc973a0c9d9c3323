from functools import partial

from fastrtc import (
    CachedTurnCredentials,
    ReplyOnPause,
    Stream,
    get_turn_credentials_async,
)


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    rtc_configuration=partial(get_turn_credentials_async, "cloudflare", ttl=600),
    server_rtc_configuration=CachedTurnCredentials("cloudflare", ttl=24 * 3600),
)
