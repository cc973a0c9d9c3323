"""Serves the pages that the tests open, each at a path of its own; PORT says where.

/{modality}/{mode}    the default page of a stream, for each of the nine pairs
/limited              an audio echo with room for one connection
/inputs               a slider as an additional input, a number as an additional output
/chat                 the textbox variant, its replies in a chatbot
/conversation         a tone as the answer to whoever has spoken, with captions, recorded
/pauses               pauses and resumes its answer, and waits for a user who may go on
/push-to-talk         speaks for as long as the button to talk was held; a text is shown
/submit               a text that the handler gets when it is submitted
/trouble              a handler that fails
/brief                a tone for two seconds
/relay                an audio echo whose page finds no way to it
/token                greets the user of the token in its address; /issue returns one
/look                 an icon instead of waves, and other words on the button
/own                  a gr.Blocks of one's own with the component
/trigger              a receiving component that a button starts
"""

import asyncio
import os
import queue
import tempfile
from pathlib import Path

import gradio as gr
import numpy as np
import uvicorn
from fastapi import FastAPI

from fastrtc import (
    AdditionalOutputs,
    AlgoOptions,
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    Interruptions,
    Recorder,
    ReplyOnPause,
    Speech,
    Stream,
    StreamHandler,
    Transcript,
    Warning,
    WebRTC,
    WebRTCData,
    WebRTCError,
    get_current_context,
    wait_for_item,
)

RATE = 24_000
NO_SERVERS = {"iceServers": []}
CONFIGURATION = {"rtc_configuration": NO_SERVERS, "server_rtc_configuration": NO_SERVERS}
NOBODY = {"urls": "turn:127.0.0.1:9?transport=tcp", "username": "me", "credential": "x"}
LOGO = Path(__file__).parents[2] / "docs/assets/logo.svg"
TONE = (np.sin(np.arange(RATE // 5) * 440 * 2 * np.pi / RATE) * 9000).astype(np.int16)


class Echo(StreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE)
        self.chunks: queue.Queue = queue.Queue()

    def receive(self, frame) -> None:
        self.chunks.put(frame)

    def emit(self):
        return wait(self.chunks)

    def copy(self) -> "Echo":
        return Echo()


def wait(chunks: queue.Queue):
    try:
        return chunks.get(timeout=0.1)
    except queue.Empty:
        return None


class Call(AsyncAudioVideoStreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE)
        self.sound, self.pictures = asyncio.Queue(20), asyncio.Queue(1)

    async def start_up(self) -> None: ...

    async def receive(self, frame) -> None:
        if not self.sound.full():
            self.sound.put_nowait(frame)

    async def emit(self):
        return await wait_for_item(self.sound)

    async def video_receive(self, frame) -> None:
        if not self.pictures.full():
            self.pictures.put_nowait(frame)

    async def video_emit(self):
        return await self.pictures.get()

    def copy(self) -> "Call":
        return Call()


class Show(AsyncAudioVideoStreamHandler):
    """A tone and a picture of one colour, without anything sent."""

    async def start_up(self) -> None: ...

    async def receive(self, frame) -> None: ...

    async def emit(self):
        return RATE, TONE.reshape(1, -1)

    async def video_receive(self, frame) -> None: ...

    async def video_emit(self):
        await asyncio.sleep(1 / 30)
        return picture()

    def copy(self) -> "Show":
        return Show()


def picture(colour: tuple[int, int, int] = (40, 160, 220)):
    return np.full((240, 320, 3), colour, np.uint8)


def tone():
    while True:
        yield RATE, TONE.reshape(1, -1)


def pictures():
    while True:
        yield picture()


def flip(frame):
    return frame[::-1]


HANDLERS = {
    ("audio", "send-receive"): Echo,
    ("audio", "send"): Echo,
    ("audio", "receive"): lambda: tone,
    ("video", "send-receive"): lambda: flip,
    ("video", "send"): lambda: flip,
    ("video", "receive"): lambda: pictures,
    ("audio-video", "send-receive"): Call,
    ("audio-video", "send"): Call,
    ("audio-video", "receive"): Show,
}


class Tired(AsyncStreamHandler):
    async def start_up(self) -> None:
        raise WebRTCError("The model is asleep")

    async def receive(self, frame) -> None: ...

    async def emit(self): ...

    def copy(self) -> "Tired":
        return Tired()


def darken(frame, brightness: float):
    dark = (frame * brightness).astype(np.uint8)
    return dark, AdditionalOutputs(round(brightness, 2), 1)


def inputs_page() -> Stream:
    slider = gr.Slider(0, 1, value=1, step=0.05, label="Brightness")
    seen = gr.Number(label="Seen", precision=2)
    frames = gr.Number(0, label="Frames", precision=0)
    return Stream(
        darken,
        modality="video",
        additional_inputs=[slider],
        additional_outputs=[seen, frames],
        additional_outputs_handler=lambda _, count, brightness, one: (brightness, count + one),
        ui_args={"title": "Darkroom", "subtitle": "Move the slider", "full_screen": False},
        **CONFIGURATION,
    )


def answer(data: WebRTCData, history: list):
    history = [*history, {"role": "user", "content": data.textbox or "(spoken)"}]
    yield AdditionalOutputs(history)
    yield RATE, TONE.reshape(1, -1)
    reply = f"{data.textbox.upper()}!"
    yield AdditionalOutputs([*history, {"role": "assistant", "content": reply}])


def mount(app: FastAPI, page: gr.Blocks, path: str) -> FastAPI:
    """Mount a page whose queue looks for requests every 10 ms.

    Gradio's looks every millisecond: two dozen of them would use a tenth of a core all the time.
    """
    app = gr.mount_gradio_app(app, page, path=path, ssr_mode=False)
    page._queue.sleep_when_free = 0.01
    return app


def serve(app: FastAPI) -> None:
    """Serve pages at ``PORT``, and ``/ready`` beside them."""

    @app.get("/ready")
    def ready() -> str:
        return "yes"

    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")


def chatbot(**options) -> gr.Chatbot:
    if gr.__version__.startswith("5"):
        options |= {"type": "messages", "allow_tags": False}
    return gr.Chatbot(label="Chat", **options)


def chat_page() -> Stream:
    chat = chatbot(height=240)
    return Stream(
        ReplyOnPause(answer),
        modality="audio",
        additional_inputs=[chat],
        additional_outputs=[chat],
        additional_outputs_handler=lambda _, history: history,
        ui_args={"variant": "textbox", "title": "Type or talk"},
        **CONFIGURATION,
    )


def hum(audio):
    """Three seconds of an answer, with captions, which is recorded."""
    get_current_context().recording.start()
    yield Transcript("Good", "user", final=False)
    yield Transcript("Goodbye", "user")
    texts = {0: "One hum.", 5: "Another hum.", 14: "The last hum."}
    for number in range(15):
        yield Speech(RATE, TONE.reshape(1, -1), texts.get(number, ""))


def hum_long(audio):
    """Eight seconds of an answer."""
    for _ in range(40):
        yield RATE, TONE.reshape(1, -1)


class Unsure:
    """A turn model to which no turn sounds complete."""

    def complete(self, audio_16k) -> float:
        return 0.0


def push_to_talk_page() -> Stream:
    """A page with a button to talk, which shows how long it was held, in seconds."""
    held = gr.Number(label="Held")

    def hum_as_long(data: WebRTCData):
        rate, samples = data.audio or (RATE, np.zeros((1, 0), np.int16))
        seconds = samples.size / rate
        yield AdditionalOutputs(round(seconds, 2))
        for _ in range(round(seconds * 5)):
            yield RATE, TONE.reshape(1, -1)

    return Stream(
        ReplyOnPause(hum_as_long, turn_detection="manual"),
        modality="audio",
        mode="send-receive",
        additional_outputs=[held],
        additional_outputs_handler=lambda before, now: now,
        ui_args={"variant": "textbox"},
        **CONFIGURATION,
    )


class Prompted(AsyncStreamHandler):
    """Tells each prompt that it gets; it asks for none."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE)
        self.told: list = []

    async def start_up(self) -> None: ...

    async def receive(self, frame) -> None: ...

    async def emit(self):
        if self.latest_args == self.told:
            return await asyncio.sleep(0.05)
        self.told = self.latest_args
        return AdditionalOutputs(self.told[-1])

    def copy(self) -> "Prompted":
        return Prompted()


def submit_page() -> Stream:
    return Stream(
        Prompted(),
        modality="audio",
        mode="send",
        additional_inputs=[gr.Textbox(label="Prompt")],
        additional_outputs=[gr.Textbox(label="Prompts")],
        additional_outputs_handler=lambda before, prompt: f"{before} {prompt}".strip(),
        ui_args={"send_input_on": "submit"},
        **CONFIGURATION,
    )


class Teller(AsyncStreamHandler):
    """Tells what its inputs are each time it asked for them, and a burst of numbers at first."""

    async def start_up(self) -> None:
        for number in range(20):
            self.outputs.put_nowait(AdditionalOutputs(f"n{number}", None))
        await self.wait_for_args()
        self.outputs.put_nowait(AdditionalOutputs("gain", self.latest_args[2]))

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE)
        self.outputs: asyncio.Queue = asyncio.Queue()

    async def receive(self, frame) -> None: ...

    async def emit(self):
        return await self.outputs.get()

    def copy(self) -> "Teller":
        return Teller()


def own_page() -> gr.Blocks:
    with gr.Blocks() as page:
        heard = gr.State([])
        stream = WebRTC(
            label="Own",
            modality="audio",
            mode="send",
            rtc_configuration=lambda: NO_SERVERS,
            server_rtc_configuration=NO_SERVERS,
        )
        gain = gr.Slider(0, 10, value=3, step=1, label="Gain")
        words = gr.Textbox(label="Words")
        count = gr.Number(0, label="Count", precision=0)
        told = gr.Textbox(label="Told")
        stream.stream(Teller(), inputs=[stream, gain], outputs=[stream], time_limit=60)

        def note(heard, words, count, word, value):
            heard = [*heard, word]
            text = f"{words} {word}".strip()
            return heard, text, count + 1, "" if value is None else str(value)

        stream.on_additional_outputs(
            note,
            inputs=[heard, words, count],
            outputs=[heard, words, count, told],
            queue=False,
            show_progress="hidden",
        )
        kept = gr.Textbox(label="Kept")
        gr.Button("Show state").click(lambda heard: " ".join(heard), heard, kept)
        gr.Button("Rename").click(lambda: gr.update(label="Renamed"), None, stream)
    return page


def play(steps: int):
    for _ in range(int(steps)):
        yield RATE, TONE.reshape(1, -1)
    yield AdditionalOutputs(f"Done after {steps}")


def trigger_page() -> gr.Blocks:
    with gr.Blocks() as page:
        stream = WebRTC(modality="audio", mode="receive", **CONFIGURATION)
        steps = gr.Slider(1, 10, value=5, step=1, label="Steps")
        button = gr.Button("Generate")
        stream.stream(play, inputs=[steps], outputs=[stream], trigger=button.click)
        done = gr.Markdown()
        stream.on_additional_outputs(lambda text: text, outputs=done)
    return page


def look_page() -> gr.Blocks:
    with gr.Blocks() as page:
        stream = WebRTC(
            modality="audio",
            icon=str(LOGO),
            icon_button_color="rgb(200, 30, 90)",
            pulse_color="rgb(30, 90, 200)",
            icon_radius=20,
            button_labels={"start": "Call", "waiting": "Ringing", "stop": "Hang up"},
            **CONFIGURATION,
        )
        stream.stream(Echo(), inputs=[stream], outputs=[stream])
    return page


class Greeter(Echo):
    """Greets the user by name."""

    def start_up(self) -> None:
        Warning(f"Hello, {get_current_context().user}")

    def copy(self) -> "Greeter":
        return Greeter()


def audio(handler, **options) -> gr.Blocks:
    return Stream(handler, modality="audio", **{**CONFIGURATION, **options}).ui


def main() -> None:
    app = FastAPI()
    echo = Stream(Echo(), modality="audio", verbose=False, **CONFIGURATION)
    echo.mount(app, "/api")
    pages = {
        f"/{modality}/{mode}": Stream(
            make(), modality=modality, mode=mode, concurrency_limit=4, **CONFIGURATION
        ).ui
        for (modality, mode), make in HANDLERS.items()
    }
    pages["/limited"] = echo.ui
    pages["/inputs"] = inputs_page().ui
    pages["/chat"] = chat_page().ui
    calls = Recorder(f"{tempfile.mkdtemp()}/{{id}}.wav", start="manual")
    pages["/conversation"] = audio(ReplyOnPause(hum), captions=True, record=calls, on_turn=print)
    pages["/pauses"] = audio(
        ReplyOnPause(
            hum_long,
            turn_model=Unsure(),
            algo_options=AlgoOptions(max_pause_s=1.5),
            interruptions=Interruptions(after_s=0.8),
        )
    )
    pages["/push-to-talk"] = push_to_talk_page().ui
    pages["/submit"] = submit_page().ui
    pages["/trouble"] = audio(Tired())
    pages["/brief"] = audio(tone, mode="receive", time_limit=2)
    nowhere = {"iceServers": [NOBODY], "iceTransportPolicy": "relay"}
    pages["/relay"] = audio(Echo(), rtc_configuration=nowhere, concurrency_limit=10)
    greeting = Stream(Greeter(), modality="audio", **CONFIGURATION)
    tokens = greeting.tokens("a secret of the tests")
    app.get("/issue")(lambda: {"token": tokens.issue(user="Ada")})
    pages["/token"] = greeting.ui
    pages["/look"] = look_page()
    pages["/own"] = own_page()
    pages["/trigger"] = trigger_page()
    for path, blocks in pages.items():
        app = mount(app, blocks, path)

    serve(app)


if __name__ == "__main__":
    main()
