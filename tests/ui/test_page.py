"""The default page of a stream: what is on it, and what it passes on.

A `gr.Blocks` that is made without a running loop leaves loops behind, so these tests are async.
"""

from itertools import product
from typing import Any, get_args

import gradio as gr
import pytest

from fastrtc import AsyncAudioVideoStreamHandler, AsyncStreamHandler, Stream, WebRTC
from fastrtc.core.types import Modality, Mode

NO_SERVERS = {"iceServers": []}


class Silence(AsyncStreamHandler):
    async def receive(self, frame) -> None: ...

    async def emit(self) -> None: ...

    def copy(self) -> "Silence":
        return Silence()


class Darkness(AsyncAudioVideoStreamHandler):
    async def receive(self, frame) -> None: ...

    async def emit(self) -> None: ...

    async def video_receive(self, frame) -> None: ...

    async def video_emit(self): ...

    def copy(self) -> "Darkness":
        return Darkness()


def flip(frame, *values):
    return frame[::-1]


HANDLERS = {"audio": Silence(), "video": flip, "audio-video": Darkness()}


def stream(modality: str = "video", **options: Any) -> Stream:
    return Stream(HANDLERS[modality], modality=modality, verbose=False, **options)


def of_class(page: gr.Blocks, kind: type) -> list[Any]:
    return [block for block in page.blocks.values() if type(block) is kind]


def text_of(page: gr.Blocks) -> str:
    return " ".join(block.value for block in of_class(page, gr.HTML))


@pytest.mark.parametrize("modality, mode", [*product(get_args(Modality), get_args(Mode))])
async def test_every_modality_and_mode_has_a_page(modality: str, mode: str):
    made = stream(modality, mode=mode)
    assert isinstance(made.ui, gr.Blocks)
    assert of_class(made.ui, WebRTC) == [made.webrtc_component]
    assert (made.webrtc_component.modality, made.webrtc_component.mode) == (modality, mode)
    assert "<h1>" in text_of(made.ui)
    made.ui.get_config_file()


async def test_what_the_stream_has_the_component_gets():
    made = stream(
        concurrency_limit=3,
        time_limit=7.5,
        rtp_params={"degradationPreference": "maintain-resolution"},
        rtc_configuration=NO_SERVERS,
        server_rtc_configuration=NO_SERVERS,
        track_constraints={"width": {"exact": 500}},
        allow_extra_tracks=True,
    )
    component = made.webrtc_component
    assert component.event_handler is made.event_handler
    assert (component.concurrency_limit, component.time_limit) == (3, 7.5)
    assert component.rtp_params == made.rtp_params
    assert component.rtc_configuration == NO_SERVERS
    assert component.server_rtc_configuration is made.server_rtc_configuration
    assert component.track_constraints == {"width": {"exact": 500}}
    assert component.allow_extra_tracks is True


async def test_ui_args():
    ui_args = {
        "title": "My <i>page</i>",
        "subtitle": "Of <a href='/x'>this</a>",
        "icon": "https://example.com/phone.svg",
        "icon_button_color": "black",
        "pulse_color": "red",
        "icon_radius": 20,
        "full_screen": False,
        "assistant_name": "Ada",
    }
    made = stream("audio", ui_args=ui_args)
    assert "<h1>My <i>page</i></h1>" in text_of(made.ui)
    assert "<p>Of <a href='/x'>this</a></p>" in text_of(made.ui)
    assert made.ui.title == "My page"
    for name in set(ui_args) - {"title", "subtitle"}:
        assert getattr(made.webrtc_component, name) == ui_args[name]


async def test_a_page_without_a_heading():
    made = stream(ui_args={"title": "Hidden", "hide_title": True})
    assert "<h1>" not in text_of(made.ui)
    assert made.ui.title == "Hidden"


async def test_the_style_is_there_before_the_components_and_beside_that_of_the_program():
    blocks = stream("audio").ui
    blocks.head = "<meta name='mine'>"
    head = blocks.get_config_file()["head"]
    assert head.startswith("<style>")
    assert ".gradio-container:is(" in head, "the outline that is shown until all is there"
    assert head.endswith("</style>\n<meta name='mine'>")


async def test_inputs_and_outputs_are_on_the_page():
    slider, number = gr.Slider(render=False), gr.Number(render=False)
    made = stream(
        additional_inputs=[slider],
        additional_outputs=[number],
        additional_outputs_handler=lambda _, count: count,
    )
    assert {slider._id, number._id} <= set(made.ui.blocks)
    inputs = {block._id for fn in made.ui.fns.values() for block in fn.inputs}
    outputs = {block._id for fn in made.ui.fns.values() for block in fn.outputs}
    assert slider._id in inputs and number._id in outputs


async def test_a_component_may_be_input_and_output():
    chat = gr.State([])
    made = stream(
        "audio",
        additional_inputs=[chat],
        additional_outputs=[chat],
        additional_outputs_handler=lambda _, history: history,
    )
    assert list(made.ui.blocks).count(chat._id) == 1


def around(page: gr.Blocks, block: Any) -> list[str]:
    """Give the classes of the columns and rows that a block is in."""
    classes: list[str] = []
    while (block := block.parent) is not None:
        classes += getattr(block, "elem_classes", None) or []
    return classes


def chatbot() -> gr.Chatbot:
    options: dict[str, Any] = {}
    if gr.__version__.startswith("5"):
        options = {"type": "messages", "allow_tags": True}  # False warns
    return gr.Chatbot(render=False, **options)


async def test_a_chat_is_above_the_sound_and_takes_what_is_left():
    chat, slider = chatbot(), gr.Slider(render=False)
    made = stream(
        "audio",
        additional_inputs=[chat, slider],
        additional_outputs=[chat],
        additional_outputs_handler=lambda _, history: history,
    )
    assert {"fastrtc-chat", "fastrtc-docked"} <= set(around(made.ui, chat))
    assert "fastrtc-docked" in around(made.ui, made.webrtc_component)
    assert "fastrtc-side" in around(made.ui, slider)


async def test_all_is_beside_a_picture():
    chat, slider = chatbot(), gr.Slider(render=False)
    made = stream(
        additional_inputs=[slider],
        additional_outputs=[chat],
        additional_outputs_handler=lambda _, history: history,
    )
    assert {"fastrtc-chat", "fastrtc-side"} <= set(around(made.ui, chat))
    assert "fastrtc-side" in around(made.ui, slider)
    assert "fastrtc-side" not in around(made.ui, made.webrtc_component)


@pytest.mark.parametrize("modality", ["audio", "video"])
async def test_what_is_not_seen_takes_no_room(modality: str):
    unseen = [gr.State(0), gr.Textbox(visible=False)]
    made = stream(
        modality,
        additional_outputs=unseen,
        additional_outputs_handler=lambda *values: values[2:],
    )
    classes = around(made.ui, made.webrtc_component)
    assert classes == ["fastrtc-main", "fastrtc-page", "fastrtc-titled"]
    assert {one._id for one in unseen} <= set(made.ui.blocks)


async def test_components_may_be_rendered_again_elsewhere():
    slider = gr.Slider()
    made = stream(additional_inputs=[slider])
    assert slider._id in made.ui.blocks
    with gr.Blocks() as other:
        slider.render()
    assert slider._id in other.blocks and slider._id in made.ui.blocks


async def test_events_may_be_added():
    made = stream("audio")
    before = len(made.ui.fns)
    with made.ui:
        made.webrtc_component.start_recording(lambda: None)
    assert len(made.ui.fns) == before + 1


@pytest.mark.parametrize("send_input_on, event", [("change", "change"), ("submit", "submit")])
async def test_when_inputs_are_sent(send_input_on: str, event: str):
    text, slider = gr.Textbox(render=False), gr.Slider(render=False)
    made = stream(additional_inputs=[text, slider], ui_args={"send_input_on": send_input_on})
    targets = {target for fn in made.ui.fns.values() for target in fn.targets}
    assert (text._id, event) in targets
    assert (slider._id, "change") in targets  # a slider cannot be submitted
    assert (made.webrtc_component._id, "tick") in targets
