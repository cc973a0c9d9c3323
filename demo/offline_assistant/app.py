"""Offline assistant: say a number or a day, and it answers; without a key, a hub or a network."""

from fastrtc import ReplyOnPause, Stream, get_stt_model, get_tts_model

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

ears = get_stt_model("pocketsphinx", words=[*DAYS, *NUMBERS])
voice = get_tts_model("espeak")


def answer(text: str) -> str:
    """What there is to say to a day or a number."""
    words = text.split()
    if len(words) == 1 and words[0] in DAYS:
        return f"After {words[0]} comes {DAYS[(DAYS.index(words[0]) + 1) % len(DAYS)]}."
    if len(words) == 1 and words[0] in NUMBERS[:-1]:
        return f"After {words[0]} comes {NUMBERS[NUMBERS.index(words[0]) + 1]}."
    return "Please say a day of the week, or a number from one to nine."


def reply(audio):
    yield from voice.stream_tts_sync(answer(ears.stt(audio)))


def greeting():
    yield from voice.stream_tts_sync("Hello. Say a day, or a number.")


stream = Stream(
    ReplyOnPause(reply, startup_fn=greeting),
    modality="audio",
    mode="send-receive",
    concurrency_limit=10,
    # Page and server run on one machine here, so no STUN server is needed to find the way.
    server_rtc_configuration={"iceServers": []},
)

if __name__ == "__main__":
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from shared.server import serve

    serve(["offline_assistant"])
