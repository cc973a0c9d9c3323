from fastrtc import ReplyOnPause, Stream, get_current_context


def reply(audio):
    yield audio


class Menu(ReplyOnPause):
    def receive_dtmf(self, digit: str) -> None:  # one of 0-9 * # A-D
        if call := get_current_context().phone_call:
            print(f"{call.from_number} pressed {digit}")
        if digit == "0":
            self.trigger_response()  # reply immediately


stream = Stream(Menu(reply), modality="audio", mode="send-receive")
