"""`AdditionalOutputs` on their way into components: in order, none lost, on current values."""

import asyncio
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from fastrtc.core.outputs import AdditionalOutputs
from fastrtc.ui import outputs as module
from fastrtc.ui.outputs import OutputsEvent

SKIP = gr.skip()
PAGE = SimpleNamespace(session_hash="page")


class Browser:
    """The components of a page, and events that are sent with the values at some time."""

    def __init__(self, fn: Any, inputs: int, outputs: list[int]) -> None:
        with gr.Blocks():
            self.components = [gr.State(), gr.Textbox(), gr.Number()]
            self.event = OutputsEvent(
                fn, self.components[:inputs], [self.components[index] for index in outputs]
            )
        self.inputs, self.outputs = inputs, outputs
        self.values: list[Any] = [[], "", 0]
        self.seen: list[Any] = [{"given": 0}] if self.event._counter else []

    def send(self, webrtc_id: str = "a") -> asyncio.Task[Any]:
        """Send an event with what the components show now; it runs later."""
        values = (*self.seen, *self.values[: self.inputs])
        return asyncio.ensure_future(self.event._run(PAGE, webrtc_id, *values))

    def show(self, result: Any) -> None:
        """Take the result of an event."""
        results = result if len(self.outputs) + len(self.seen) > 1 else [result]
        for index, value in zip(self.outputs, results, strict=False):
            if value != SKIP:
                self.values[index] = value
        if self.seen:
            self.seen = [results[-1]]

    def give(self, *args: Any, webrtc_id: str = "a") -> None:
        self.event.put(webrtc_id, AdditionalOutputs(*args))


def append(history: list, text: str, word: str) -> tuple[list, str]:
    return [*history, word], f"{text} {word}".strip()


async def test_each_is_given_to_the_function_in_order():
    called = []
    browser = Browser(lambda *args: called.append(args), 0, [])
    for number in range(3):
        browser.give(number, "x")
    assert await browser.send() is None
    assert called == [(0, "x"), (1, "x"), (2, "x")]


async def test_what_was_sent_before_the_last_result_came_is_not_taken_for_current():
    browser = Browser(append, 2, [0, 1])
    browser.give("one")
    first = browser.send()
    browser.give("two")
    second = browser.send()  # with the same values as the first
    await first
    browser.give("three")
    third = browser.send()
    for event in (first, second, third):
        browser.show(await event)
    assert browser.values[:2] == [["one", "two", "three"], "one two three"]


async def test_what_the_person_changed_is_current():
    browser = Browser(append, 2, [0, 1])
    browser.give("one")
    browser.show(await browser.send())
    browser.values = [[], "", 0]  # cleared
    browser.give("two")
    browser.show(await browser.send())
    assert browser.values[:2] == [["two"], "two"]


async def test_an_event_that_finds_nothing_changes_nothing():
    browser = Browser(append, 2, [0, 1])
    assert (await browser.send())[:2] == [SKIP, SKIP]


async def test_updates_add_up():
    browser = Browser(lambda one: one, 0, [1])
    browser.give("text")
    browser.give(gr.update(visible=False))
    browser.give(gr.update(label="L"))
    result = await browser.send()
    assert {**result} == {"__type__": "update", "value": "text", "visible": False, "label": "L"}


async def test_results_by_component():
    browser = Browser(lambda number: {browser.components[2]: number}, 0, [1, 2])
    browser.give(4)
    assert await browser.send() == [SKIP, 4]


async def test_a_result_for_another_component_is_an_error():
    browser = Browser(lambda: {browser.components[0]: 1}, 0, [1, 2])
    browser.give()
    with pytest.raises(ValueError, match="for a component not in outputs"):
        await browser.send()


async def test_too_few_results_are_an_error():
    browser = Browser(lambda: ("one",), 0, [1, 2])
    browser.give()
    with pytest.raises(ValueError, match="has 2 outputs"):
        await browser.send()


async def test_after_an_error_the_next_event_goes_on():
    def fail(text: str, word: str) -> str:
        if word == "bad":
            raise RuntimeError("no")
        return text + word

    browser = Browser(lambda _, text, word: fail(text, word), 2, [1])
    for word in ("a", "bad", "b"):
        browser.give(word)
    with pytest.warns(UserWarning, match="no"):  # what gr.Warning does outside a page
        browser.show(await browser.send())
    assert browser.values[1] == "ab"


async def test_an_error_before_any_result_is_the_page_s_to_show():
    def fail(word: str) -> str:
        raise RuntimeError(word)

    browser = Browser(fail, 0, [1])
    browser.give("no")
    with pytest.raises(RuntimeError, match="no"):
        await browser.send()


async def test_async_functions():
    async def later(word: str) -> str:
        await asyncio.sleep(0)
        return word

    browser = Browser(later, 0, [1])
    browser.give("x")
    assert await browser.send() == "x"


@pytest.mark.parametrize("is_async", [True, False])
async def test_generators_give_all_their_results(is_async: bool):
    async def later(text: str, word: str) -> Any:
        for letter in word:
            text += letter
            yield text

    def at_once(text: str, word: str) -> Any:
        for letter in word:
            text += letter
            yield text

    with gr.Blocks():
        text = gr.Textbox()
        event = OutputsEvent(later if is_async else at_once, text, text)
    assert event.is_generator
    event.put("a", AdditionalOutputs("ab"))
    event.put("a", AdditionalOutputs("c"))
    results = [one async for one in event._run_each(PAGE, "a", {"given": 0}, "")]
    assert [one[0] for one in results] == ["a", "ab", "abc", SKIP]


async def test_connections_are_apart():
    browser = Browser(lambda one: one, 0, [1])
    browser.give("mine")
    browser.give("other's", webrtc_id="b")
    assert await browser.send("a") == "mine"
    assert await browser.send("b") == "other's"
    assert await browser.send("c") == SKIP


async def test_outputs_outlive_their_connection_for_a_while(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "KEPT_S", 0.05)
    browser = Browser(lambda one: one, 0, [1])
    browser.give("last")
    browser.event.connection_ended("a")
    assert await browser.send() == "last"
    browser.give("never read")
    browser.event.connection_ended("a")
    await asyncio.sleep(0.1)
    assert await browser.send() == SKIP


async def test_pages_are_forgotten_in_the_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MAX_PAGES", 2)
    browser = Browser(append, 2, [0, 1])
    for name in ("p", "q", "r"):
        await browser.event._run(SimpleNamespace(session_hash=name), "a", {"given": 0}, [], "")
    assert list(browser.event._pages) == ["q", "r"]


async def test_a_page_that_fetches_nothing_gets_the_newest_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    called = []
    browser = Browser(lambda *args: called.append(args), 0, [])
    for number in range(6):
        browser.give(number)
    browser.give("another", webrtc_id="b")
    await browser.send()
    assert called == [(3,), (4,), (5,)]
    (record,) = caplog.records
    assert record.getMessage() == "More than 3 outputs wait for the page: the oldest are dropped"
