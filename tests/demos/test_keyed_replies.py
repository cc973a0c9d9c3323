"""The replies of the demos that need a key, without a page: without one, and with a past.

The tests are async, as Gradio makes an event loop that nobody closes where none is running.
"""

import importlib.util
from collections.abc import Callable
from contextlib import closing
from types import ModuleType

import numpy as np
import pytest

from fastrtc import AdditionalOutputs, WebRTCError
from tests.browser.server import ROOT
from tests.demos.stand_ins.anthropic_messages import anthropic_service
from tests.demos.stand_ins.openai_chat import Call, openai_service
from tests.support.speech import recorded_prompt

pytestmark = pytest.mark.external("recorded-voices")

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
# as Gradio's chatbot gives them
PAST = [
    {"role": role, "metadata": None, "options": None, "content": [{"type": "text", "text": text}]}
    for role, text in (("user", "sunday"), ("assistant", "The day of the sun."))
]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Gives the program of a demo: `load("llm_voice_chat", MODEL="small")`."""

    def load_one(name: str, **variables: str) -> ModuleType:
        for key in KEYS:
            monkeypatch.delenv(key, raising=False)
        for key, value in {"STT": "pocketsphinx", "TTS": "espeak", **variables}.items():
            monkeypatch.setenv(key, value)
        spec = importlib.util.spec_from_file_location(name, ROOT / "demo" / name / "app.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load_one


def said(name: str = "digits/day-1") -> tuple[int, np.ndarray]:
    return 16_000, recorded_prompt(name, 16_000).reshape(1, -1)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("llm_voice_chat", "OPENAI_API_KEY"),
        ("talk_to_claude", "ANTHROPIC_API_KEY"),
        ("agent_with_tools", "OPENAI_API_KEY"),
        ("whisper_transcription", "OPENAI_API_KEY"),
        ("code_editor", "OPENAI_API_KEY"),
    ],
)
async def test_without_a_key_the_first_turn_says_so(load: Callable, name: str, key: str) -> None:
    handler = load(name).stream.event_handler.copy()
    with pytest.raises(WebRTCError, match=f"^There is no key: set {key}"):
        list(handler.fn(said()))


async def test_a_chat_goes_on_where_it_was(load: Callable) -> None:
    with openai_service() as service:
        service.replies = [["The day of the moon."]]
        demo = load("llm_voice_chat", **service.variables)
        with closing(demo.client()):
            outputs = [one for one in demo.reply(said(), PAST) if type(one) is AdditionalOutputs]
    assert [message.role for message in service.chats[0].messages[1:]] == [
        "user",
        "assistant",
        "user",
    ]
    assert outputs[-1].args[0][-2:] == [
        {"role": "user", "content": "monday"},
        {"role": "assistant", "content": "The day of the moon."},
    ]


async def test_a_chat_with_claude_goes_on_where_it_was(load: Callable) -> None:
    with anthropic_service() as service:
        service.replies = ["The day of the moon."]
        demo = load("talk_to_claude", **service.variables)
        with closing(demo.client()):
            list(demo.reply(said(), PAST))
    assert len(service.requests[0].messages) == 3


async def test_an_agent_is_told_of_its_mistakes_and_does_not_call_for_ever(load: Callable) -> None:
    with openai_service() as service:
        demo = load("agent_with_tools", **service.variables)
        service.replies = [[Call("sing", {"day": "monday"})]] * demo.MOST_ROUNDS
        with closing(demo.client()), pytest.raises(WebRTCError, match="did not answer"):
            list(demo.reply(said()))
    assert len(service.chats) == demo.MOST_ROUNDS
    assert service.chats[1].messages[-1].content == '{"error": "KeyError: \'sing\'"}'


async def test_speech_during_transcription_is_kept(load: Callable) -> None:
    with openai_service() as service:
        service.texts = ["Monday.", "Monday. Goodbye.", "Monday."]
        demo = load("whisper_transcription", **service.variables)
        scribe = demo.stream.event_handler.copy()
        with closing(demo.client()):
            interrupted = scribe.fn(said())
            next(interrupted)
            interrupted.close()
            (text,) = [one.args[0] for one in scribe.fn(said("vm-goodbye"))]
            list(scribe.fn(said()))
    assert text == "Monday. Goodbye."
    monday, both, again = (upload.samples.size for upload in service.uploads)
    assert both > monday + said("vm-goodbye")[1].size * 0.9
    assert again == monday
