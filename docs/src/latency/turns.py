from fastrtc import ReplyOnPause, Stream, Turn


def reply(audio):
    yield audio


def on_turn(turn: Turn) -> None:
    if turn.parts is not None:  # the user has spoken, and there was audio
        print(f"turn {turn.number}: silence of {turn.silence_s:.2f} s")
        for part, seconds in turn.parts._asdict().items():
            print(f"  {part}: {seconds if seconds is None else round(seconds, 2)} s")


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive", on_turn=on_turn)
