"""Values that the client or the program gives a handler beside the media."""

import asyncio
import functools
from pathlib import Path

import pytest
from pydantic import ValidationError

from fastrtc.handlers.inputs import ExtraParameters, FunctionInputs, WebRTCData


class Detector:
    def __call__(self, frame, threshold): ...

    def detect(self, frame, threshold=0.5): ...


@pytest.mark.parametrize(
    ("function", "media", "required", "most"),
    [
        (lambda frame: 0, 1, 0, 0),
        (lambda frame, a: 0, 1, 1, 1),
        (lambda frame, a=1: 0, 1, 0, 1),
        (lambda frame, a, b=1: 0, 1, 1, 2),
        (lambda frame, *more: 0, 1, 0, None),
        (lambda frame, a, *more: 0, 1, 1, None),
        (lambda *all: 0, 1, 0, None),
        (lambda frame, *, named=1: 0, 1, 0, 0),
        (lambda: 0, 0, 0, 0),
        (lambda a: 0, 0, 1, 1),
        (functools.partial(lambda frame, a, b: 0, b=1), 1, 1, 1),
        (functools.partial(lambda model, frame, a: 0, None), 1, 1, 1),
        (Detector(), 1, 1, 1),
        (Detector().detect, 1, 0, 1),
        (dict.update, 1, 0, 0),  # a builtin without a signature
    ],
)
def test_a_function_is_looked_at(function, media: int, required: int, most: int | None):
    extra = ExtraParameters.from_callable(function, media)
    assert (extra.required, extra.max_count) == (required, most)


@pytest.mark.parametrize(
    ("required", "most", "values", "bound"),
    [
        (1, 1, [0.3], (0.3,)),  # the documents' example
        (1, 1, [None, 0.3], (0.3,)),  # the reference's placeholder
        (0, 0, [None], ()),
        (0, 0, [], ()),
        (1, 2, [1], (1,)),
        (1, 2, [1, 2], (1, 2)),
        (1, 2, ["frame", 1, 2], (1, 2)),
        (0, None, [1, 2, 3], (1, 2, 3)),
    ],
)
def test_values_are_bound_by_the_signature(required, most, values, bound):
    assert ExtraParameters(required, most).bind(values) == bound


@pytest.mark.parametrize(
    ("required", "most", "values", "message"),
    [
        (1, 1, [], "takes 1 inputs besides the media, got 0"),
        (1, 1, [1, 2, 3], "takes 1 inputs besides the media, got 3"),
        (1, 2, [], "takes 1 to 2 inputs besides the media, got 0"),
        (1, None, [], "got 0"),
    ],
)
def test_a_number_that_does_not_fit_is_refused(required, most, values, message: str):
    with pytest.raises(ValueError, match=message):
        ExtraParameters(required, most).bind(values)


async def test_what_requires_nothing_begins_at_once():
    inputs = FunctionInputs(lambda frame, threshold=0.5: 0, media=1)

    assert inputs.ready
    assert await inputs.wait() == ()


async def test_what_requires_inputs_waits_for_them():
    inputs = FunctionInputs(lambda frame, threshold: 0, media=1)
    waiting = asyncio.create_task(inputs.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert not inputs.ready

    await asyncio.to_thread(inputs.set, [None, 0.3])

    assert await asyncio.wait_for(waiting, 30) == (0.3,)
    assert inputs.ready


async def test_new_inputs_replace_the_old_ones():
    inputs = FunctionInputs(lambda frame, threshold: 0, media=1)
    inputs.set([0.3])

    inputs.set([0.4])

    assert inputs.args == (0.4,)


async def test_inputs_that_do_not_fit_change_nothing():
    inputs = FunctionInputs(lambda frame, threshold: 0, media=1)

    with pytest.raises(ValueError, match="takes 1 inputs"):
        inputs.set([1, 2, 3])

    assert (inputs.args, inputs.ready) == ((), False)


def test_the_data_of_the_page_has_an_id_and_more():
    data = WebRTCData(webrtc_id="me")

    assert (data.textbox, data.audio) == ("", None)
    assert WebRTCData(webrtc_id="me", textbox="hi", audio=(48_000, object())).textbox == "hi"


def test_the_data_of_the_page_is_made_of_json():
    assert WebRTCData.from_json({"webrtc_id": "me", "textbox": "hi"}).textbox == "hi"
    with pytest.raises(ValidationError, match="webrtc_id"):
        WebRTCData.from_json({"textbox": "hi"})


def test_files_in_the_data_of_the_page_are_copied(tmp_path: Path):
    said = tmp_path / "said.wav"
    said.write_bytes(b"RIFF")
    file = {"path": str(said), "meta": {"_type": "gradio.FileData"}}

    copied = WebRTCData(webrtc_id="me", audio=[file, 1]).copy_to_dir(tmp_path / "cache")

    assert copied.audio[1] == 1
    assert copied.audio[0]["meta"] == file["meta"]
    path = Path(copied.audio[0]["path"])
    assert path.read_bytes() == b"RIFF"
    assert (path.name, path.parent.parent) == ("said.wav", tmp_path.resolve() / "cache")


def test_data_without_files_is_copied_as_it_is(tmp_path: Path):
    data = WebRTCData(webrtc_id="me", textbox="hi", audio=(16_000, [1, 2]))

    assert data.copy_to_dir(tmp_path) == data
    with pytest.raises(FileNotFoundError):
        WebRTCData(webrtc_id="me", audio={"path": "gone.wav"}).copy_to_dir(tmp_path)
