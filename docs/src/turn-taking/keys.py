from fastrtc import ReplyOnPause, Stream


class PressHash(ReplyOnPause):
    def receive_dtmf(self, digit):
        if digit == "#":
            self.commit_turn()
        elif digit == "*":
            self.cancel_turn()


def reply(audio):
    yield audio


stream = Stream(PressHash(reply, turn_detection="manual"), modality="audio", mode="send-receive")
