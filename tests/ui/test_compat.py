"""What is private of Gradio, or differs between its majors.

A `gr.Blocks` that is made without a running loop leaves loops behind, so these tests are async.
"""

import inspect
from pathlib import Path

import gradio as gr
import pytest
from httpx import ASGITransport, AsyncClient

import fastrtc.webrtc
from fastrtc.ui._compat import (
    accept_gradio5_signature,
    bare_html,
    hidden_event,
    outside_blocks,
)


async def test_a_page_is_built_outside_that_of_the_caller():
    def build() -> gr.Blocks:
        with gr.Blocks() as made:
            gr.Textbox()
        return made

    with gr.Blocks() as around:
        inner = outside_blocks(build)
        text = gr.Textbox()
    assert text._id in around.blocks
    assert not set(inner.blocks) & set(around.blocks)


async def test_the_callers_page_goes_on_after_an_error():
    def build() -> None:
        raise RuntimeError("no page")

    with gr.Blocks() as around:
        with pytest.raises(RuntimeError, match="no page"):
            outside_blocks(build)
        text = gr.Textbox()
    assert text._id in around.blocks


async def test_an_event_of_the_page_is_not_shown_in_the_api():
    with gr.Blocks() as page:
        button = gr.Button()
        hidden_event(button.click, fn=lambda: None)
    assert not page.get_api_info()["named_endpoints"]


async def test_show_api_is_understood_in_both_majors():
    with gr.Blocks() as page:
        listener = accept_gradio5_signature(gr.Button.click)
        listener(gr.Button(), lambda: None, api_name="seen", show_api=True)
        if "api_visibility" in inspect.signature(gr.Button.click).parameters:
            listener(gr.Button(), lambda: None, api_name="unseen", show_api=False)
    assert list(page.get_api_info()["named_endpoints"]) == ["/seen"]


def test_the_parameters_are_in_the_order_of_gradio_5():
    names = list(inspect.signature(accept_gradio5_signature(gr.Button.click)).parameters)
    wanted = ["concurrency_id", "show_api", "time_limit", "stream_every", "like_user_message"]
    first = names.index("concurrency_id")
    assert names[first : first + 5] == wanted


def test_no_stub_is_written_beside_the_module():
    assert fastrtc.webrtc.WebRTC.__name__ == "WebRTC"
    assert not Path(fastrtc.webrtc.__file__).with_suffix(".pyi").exists()


async def test_html_without_padding_in_every_gradio():
    with gr.Blocks():
        made = bare_html("<h1>A</h1>")
    assert made.value == "<h1>A</h1>"
    assert not getattr(made, "padding", False)  # Gradio before 5.9 puts none around it


async def test_the_files_that_a_page_loads_are_not_listed_on_the_console(capsys):
    with gr.Blocks() as page:
        component = fastrtc.webrtc.WebRTC()
    name = type(component).get_component_class_id()
    transport = ASGITransport(gr.routes.App.create_app(page))
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        capsys.readouterr()
        loaded = await client.get(f"/gradio_api/custom_component/{name}/client/component/style.css")
    assert loaded.status_code == 200
    assert capsys.readouterr().out == ""
    gr.routes.print("anything else")
    assert capsys.readouterr().out == "anything else\n"
