"""A parrot on the telephone: it repeats what you said when you pause."""

import gradio as gr
from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream, get_current_context

SPEEDS = {"1": 1.0, "2": 1.4, "3": 0.7}  # keyed by the pressed key


class Parrot(ReplyOnPause):
    """Repeat the caller's speech, after key 2 as a mouse, after key 3 as a bear."""

    def __init__(self):
        # a telephone has 8 kHz; a higher rate would only cause resampling
        super().__init__(self.reply, input_sample_rate=8000, output_sample_rate=8000)
        self.speed = 1.0

    def copy(self):
        return Parrot()  # one per call

    def reply(self, audio):
        rate, samples = audio  # 8000, and int16 of shape (1, n)
        call = get_current_context().phone_call  # None for a browser
        if call is not None:
            print(f"{call.from_number or 'Somebody'} spoke for {samples.size / rate:.1f} s")
        yield round(rate * self.speed), samples

    def receive_dtmf(self, digit):
        self.speed = SPEEDS.get(digit, self.speed)


stream = Stream(
    Parrot(),
    modality="audio",
    mode="send-receive",
    concurrency_limit=5,
    # For browsers on the same machine; telephones need no STUN server
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
    ui_args={"title": "Parrot", "subtitle": "Call it, or talk to it here: it says it again."},
)

app = FastAPI()
stream.mount(app)
app = gr.mount_gradio_app(app, stream.ui, path="/")

if __name__ == "__main__":
    import os

    port = int(os.getenv("PORT", "7860"))
    if (mode := os.getenv("MODE")) == "UI":
        stream.ui.launch(server_port=port)
    elif mode == "PHONE":
        stream.fastphone(port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
