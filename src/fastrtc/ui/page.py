"""The default page of a ``Stream``."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import gradio as gr

from ._compat import bare_html
from .layouts import LAYOUTS, WIDE, PageLayout
from .options import UIArgs

__all__ = ["build_page"]

UNSEEN = {"state", "browserstate", "timer"}
"""Gradio components that take no room on a page."""

STYLE = Path(__file__).with_name("page.css")
SKELETON = Path(__file__).with_name("skeleton.css")


class PageBlocks(gr.Blocks):
    """A ``gr.Blocks`` whose style is there before any of its components.

    Gradio loads the code of each component by itself, and shows each when it is there.
    """

    style = ""

    def get_config_file(self) -> Any:
        """Return what the page gets to know, with the style in its head."""
        config = super().get_config_file()
        config["head"] = f"{self.style}{config.get('head') or ''}"
        return config


def build_page(stream: Any, ui_args: UIArgs, component: Callable[..., Any]) -> tuple[Any, Any]:
    """Build the page of a stream.

    Args:
        stream: The ``Stream``.
        ui_args: The options of the page.
        component: The class ``WebRTC``.

    Returns:
        The ``gr.Blocks``, and its component.
    """
    layout = LAYOUTS[stream.modality, stream.mode]
    title = ui_args.get("title") or layout.title
    inputs = list(stream.additional_input_components or [])
    outputs = list(stream.additional_output_components or [])
    in_both = {one._id for one in inputs} & {one._id for one in outputs}
    inputs_only = [one for one in inputs if one._id not in in_both]
    above = [] if layout.beside else outputs
    others = [*inputs_only, *outputs] if layout.beside else inputs_only
    wide = _any_shown(others) and (layout.beside or _any_shown(above))

    def main() -> Any:
        classes = ["fastrtc-main", *(["fastrtc-docked"] if _any_shown(above) else [])]
        with gr.Column(elem_classes=classes):
            _render(above)
            made = _component(stream, ui_args, layout, component)
            _render([] if wide else others)
        return made

    width = WIDE if wide else layout.width
    heading = _heading(title, ui_args)
    titled = ["fastrtc-titled"] if heading else []
    with PageBlocks(title=_plain(title)) as blocks:
        blocks.style = _style(STYLE, SKELETON, width=width)
        with gr.Column(elem_classes=["fastrtc-page", *titled]):
            # A page that is rendered in another one has its style by this alone.
            bare_html(_style(STYLE, width=width) + heading)
            if wide:
                with gr.Row(elem_classes="fastrtc-body"):
                    webrtc = main()
                    with gr.Column(elem_classes="fastrtc-side"):
                        _render(others)
            else:
                webrtc = main()
        _add_events(webrtc, stream, ui_args, inputs, outputs)
    return blocks, webrtc


def _add_events(
    webrtc: Any, stream: Any, ui_args: UIArgs, inputs: list[Any], outputs: list[Any]
) -> None:
    """Connect the component with the handler, and the outputs with the program's function."""
    webrtc.stream(
        stream.event_handler,
        inputs=[webrtc, *inputs],
        outputs=[webrtc],
        concurrency_limit=stream.concurrency_limit_gradio,
        time_limit=stream.time_limit,
        send_input_on=ui_args.get("send_input_on") or "change",
    )
    if stream.additional_outputs_handler is not None:
        webrtc.on_additional_outputs(
            stream.additional_outputs_handler,
            inputs=outputs,
            outputs=outputs,
            show_progress="hidden",
            queue=False,
        )


def _component(
    stream: Any, ui_args: UIArgs, layout: PageLayout, component: Callable[..., Any]
) -> Any:
    look = (
        *("icon", "icon_button_color", "pulse_color", "icon_radius", "variant", "full_screen"),
        "assistant_name",
    )
    given: dict[str, Any] = {
        name: ui_args[name]  # type: ignore[literal-required]
        for name in look
        if ui_args.get(name) is not None
    }
    return component(
        label=layout.label,
        show_label=False,
        modality=stream.modality,
        mode=stream.mode,
        rtc_configuration=stream.rtc_configuration,
        server_rtc_configuration=stream.server_rtc_configuration,
        track_constraints=stream.track_constraints,
        rtp_params=stream.rtp_params,
        allow_extra_tracks=stream.allow_extra_tracks,
        time_limit=stream.time_limit,
        **given,
    )


def _any_shown(components: list[Any]) -> bool:
    return any(one.visible is True and one.get_block_name() not in UNSEEN for one in components)


def _render(components: list[Any]) -> None:
    for one in components:
        takes_what_is_left = isinstance(one, gr.Chatbot)
        with gr.Column(elem_classes="fastrtc-chat") if takes_what_is_left else nullcontext():
            one.render()


def _style(*files: Path, width: str) -> str:
    style = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return f"<style>:root {{ --fastrtc-width: {width}; }}\n{style}</style>\n"


def _heading(title: str, ui_args: UIArgs) -> str:
    lines = []
    if not ui_args.get("hide_title"):
        lines.append(f"<h1>{title}</h1>")
    if ui_args.get("subtitle"):
        lines.append(f"<p>{ui_args['subtitle']}</p>")
    return f'<header class="fastrtc-heading">{"".join(lines)}</header>' if lines else ""


def _plain(html: str) -> str:
    """Return a string without its HTML tags, for the browser tab."""
    return re.sub(r"<[^>]*>", "", html).strip()
