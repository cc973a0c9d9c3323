"""What goes wrong in a call is said, in words that help, at the line of the test that waits."""

import asyncio
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastrtc import AsyncStreamHandler, ReplyOnPause
from fastrtc.testing import Call, CallFailed

from .programs import RATE, Tones, Words, audio_stream, replying, tone


def answer(audio: Any) -> Iterator[Any]:
    yield Tones().tts("one two three")


class TestWrongPrograms:
    """Programs with a fault, and the tests that a person would write to find it."""

    async def test_a_late_answer(self) -> None:
        def late(audio: Any) -> Iterator[Any]:
            time.sleep(2)
            yield from answer(audio)

        async with Call(replying(late), voice=Tones()) as call:
            await call.say("zero")
            await call.finish()
        with pytest.raises(AssertionError):
            assert call.turns[0].latency_s < 0.7
        assert call.turns[0].latency_s == pytest.approx(2.3, abs=0.2)

    async def test_an_answer_that_is_too_late(self) -> None:
        def never(audio: Any) -> Iterator[Any]:
            time.sleep(60)
            yield from answer(audio)

        async with Call(replying(never), voice=Tones()) as call:
            await call.say("zero")
            with pytest.raises(CallFailed) as failed:
                await call.reply(limit_s=5)
            await call.wait(60)
        assert str(failed.value).startswith("No reply to 'zero' (test_call.py:")
        assert str(failed.value).endswith(
            "within 5 s: it has heard the end of the speech, and given no sound"
        )

    async def test_a_program_that_never_yields(self) -> None:
        def never(audio: Any) -> Iterator[Any]:
            return
            yield

        with pytest.raises(CallFailed, match="within 3 s: it has begun to respond, and given no"):
            async with Call(replying(never), voice=Tones()) as call:
                await call.say("zero")
                await call.reply(limit_s=3)

    async def test_a_program_that_hears_no_pause(self) -> None:
        with pytest.raises(CallFailed, match="within 0.1 s: it still waits for the end of the spe"):
            async with Call(replying(answer), voice=Tones()) as call:
                await call.say("zero one two")
                await call.reply(limit_s=0.1)

    async def test_a_program_that_talks_over_the_caller(self) -> None:
        def talks(audio: Any) -> Iterator[Any]:
            for _ in range(20):
                yield RATE, tone(0.5)

        async with Call(replying(talks, can_interrupt=False), voice=Tones()) as call:
            await call.say("zero")
            reply = await call.reply()
            await call.say("one", at=reply.starts_s + 1)
            await call.finish()
        first = call.turns[0]
        assert first.interrupted
        with pytest.raises(AssertionError):
            assert first.stopped_after_s < 0.5
        assert first.stopped_after_s == pytest.approx(9, abs=0.1)

    async def test_a_program_that_does_not_let_the_caller_finish(self) -> None:
        silence = np.zeros(round(0.35 * RATE), np.int16)
        said = np.concatenate((tone(0.5), silence, tone(1)))
        async with Call(replying(answer)) as call:
            await call.say((RATE, said))
            await call.finish()
        with pytest.raises(AssertionError):
            assert call.turns[0].latency_s > 0

    async def test_a_leaked_task(self) -> None:
        class Leaks(AsyncStreamHandler):
            async def start_up(self) -> None:
                self.task = asyncio.create_task(self.work(), name="worker")

            async def work(self) -> None:
                await asyncio.Event().wait()

            async def receive(self, frame: Any) -> None: ...

            async def emit(self) -> None: ...

            def copy(self) -> "Leaks":
                return Leaks()

        with pytest.raises(CallFailed) as failed:
            async with Call(audio_stream(Leaks())) as call:
                await call.wait(1)
        first, second = str(failed.value).splitlines()
        assert first == (
            "The program left something running when the call had ended. End it in shutdown():"
        )
        assert "task worker of TestWrongPrograms" in second and ".work, at " in second
        assert f"{__file__}:" in second

    async def test_a_leaked_thread(self) -> None:
        ends = threading.Event()

        class Leaks(ReplyOnPause):
            def start_up(self) -> None:
                threading.Thread(target=self.work, name="worker").start()

            def work(self) -> None:
                ends.wait()

        stream = audio_stream(Leaks(answer, model=replying(answer).event_handler.model))  # type: ignore[union-attr]
        try:
            with pytest.raises(CallFailed, match=rf"thread worker, at {__file__}:\d+$"):
                async with Call(stream) as call:
                    await call.wait(1)
        finally:
            ends.set()

    async def test_a_pool_that_is_not_shut_down_and_a_thread_that_still_works(self) -> None:
        ends, pools = threading.Event(), list[ThreadPoolExecutor]()

        class Leaks(AsyncStreamHandler):
            async def start_up(self) -> None:
                pools.append(ThreadPoolExecutor(1, "pool"))
                pools[-1].submit(int)
                self.work = asyncio.get_running_loop().run_in_executor(None, ends.wait)
                await asyncio.to_thread(int)  # its thread may remain

            async def receive(self, frame: Any) -> None: ...

            async def emit(self) -> None: ...

            def copy(self) -> "Leaks":
                return Leaks()

        try:
            with pytest.raises(CallFailed) as failed:
                async with Call(audio_stream(Leaks())) as call:
                    await call.wait(1)
        finally:
            ends.set()
            for pool in pools:
                pool.shutdown()
        assert "thread pool_0, at no work: shut its executor down" in str(failed.value)
        assert str(failed.value).count("thread") == 2

    async def test_a_dropped_last_word(self) -> None:
        def drops(audio: Any) -> Iterator[Any]:
            rate, samples = Tones().tts("one two three")
            yield rate, samples[: len(samples) * 2 // 3]

        heard = []
        for fn in (answer, drops):
            async with Call(replying(fn), voice=Tones(), ears=Words()) as call:
                await call.say("zero")
                await call.finish()
            heard.append(call.turns[0].heard)
        assert heard == ["one two three", "one two"]

    async def test_a_program_that_raises(self) -> None:
        def raises(audio: Any) -> Iterator[Any]:
            raise LookupError("no such word")

        with pytest.raises(CallFailed, match="The program failed: no such word") as failed:
            async with Call(replying(raises), voice=Tones()) as call:
                await call.say("zero")
                await call.reply()
        assert isinstance(failed.value.__cause__, LookupError)
        shown = "".join(traceback.format_exception(failed.value))
        assert "await call.reply()" in shown and 'raise LookupError("no such word")' in shown

    async def test_a_program_that_may_raise(self) -> None:
        def raises(audio: Any) -> Iterator[Any]:
            yield from answer(audio)
            raise LookupError("no such word")

        async with Call(replying(raises), voice=Tones(), expect_errors=True) as call:
            await call.say("zero")
            await call.finish()
        assert {"type": "error", "message": "no such word", "data": "no such word"} in call.messages
        assert call.turns[0].latency_s < 1

    async def test_a_program_that_never_stops(self) -> None:
        def talks(audio: Any) -> Iterator[Any]:
            while True:
                yield RATE, tone(0.5)

        async with Call(replying(talks), voice=Tones()) as call:
            await call.say("zero")
            with pytest.raises(CallFailed, match="still speaks after 20 s"):
                await call.finish(max_s=20)

    async def test_a_program_that_asks_for_inputs_in_vain(self) -> None:
        def needs(audio: Any, name: str) -> Iterator[Any]:
            yield from answer(audio)

        with pytest.raises(CallFailed, match=r"asked for inputs.*call\.inputs\(\.\.\.\) sets them"):
            async with Call(replying(needs), voice=Tones(), limit_s=30) as call:
                await call.say("zero")
                await call.reply()

    async def test_a_program_that_gets_wrong_inputs(self) -> None:
        def needs(audio: Any, name: str, age: int) -> Iterator[Any]:
            yield from answer(audio)

        with pytest.raises(CallFailed, match="missing 1 required positional argument: 'age'"):
            async with Call(replying(needs), voice=Tones()) as call:
                call.inputs("Ada")
                await call.say("zero")
                await call.reply()

    async def test_a_handler_that_keeps_failing(self) -> None:
        class Fails(AsyncStreamHandler):
            async def receive(self, frame: Any) -> None:
                raise ValueError("I cannot hear")

            async def emit(self) -> None: ...

            def copy(self) -> "Fails":
                return Fails()

        with pytest.raises(CallFailed, match="I cannot hear"):
            async with Call(audio_stream(Fails())) as call:
                await call.wait(1)


class TestWrongScripts:
    async def test_no_reply_to_a_silent_caller(self) -> None:
        async with Call(replying(answer)) as call:
            with pytest.raises(CallFailed, match=r"^No reply within 3 s$"):
                await call.reply(limit_s=3)

    async def test_a_program_may_be_right_not_to_answer(self) -> None:
        async with Call(replying(answer)) as call:
            await call.finish()
        assert call.turns == []

    async def test_speech_in_the_past(self) -> None:
        async with Call(replying(answer), voice=Tones()) as call:
            await call.wait(5)
            with pytest.raises(CallFailed, match=r"too late to say 'zero' at 3 s: it is 5\.0"):
                await call.say("zero", at=3)

    async def test_speech_while_the_caller_speaks(self) -> None:
        async with Call(replying(answer), voice=Tones()) as call:
            speaks = asyncio.create_task(call.say("zero one two", at=5))
            await asyncio.sleep(0)
            with pytest.raises(CallFailed, match=r"still says 'zero one two'"):
                await call.say("three", at=5.2)
            await speaks

    async def test_calls_that_are_not_open(self) -> None:
        call = Call(replying(answer))
        with pytest.raises(CallFailed, match="not open"):
            await call.wait(1)
        async with call:
            await call.wait(1)
        with pytest.raises(CallFailed, match="not open"):
            await call.finish()
        with pytest.raises(CallFailed, match="made once"):
            await call.__aenter__()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"over": "pigeon"}, "over must be one of"),
            ({"limit_s": 0}, "limit_s"),
            ({"loss": 2}, "loss"),
            ({"noise_db": 1}, "noise_db"),
            ({"connect_limit_s": -1}, "connect_limit_s"),
            ({"hang_up_limit_s": float("inf")}, "hang_up_limit_s"),
        ],
    )
    def test_wrong_arguments(self, options: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Call(replying(answer), **options)

    async def test_wrong_times(self) -> None:
        async with Call(replying(answer)) as call:
            for wait in (lambda: call.wait(-1), lambda: call.reply(limit_s=float("nan"))):
                with pytest.raises(ValueError, match="positive number of seconds"):
                    await wait()

    async def test_an_error_of_the_script_is_not_hidden(self) -> None:
        with pytest.raises(ZeroDivisionError):
            async with Call(replying(answer)):
                raise ZeroDivisionError

    async def test_a_file_that_cannot_be_read(self) -> None:
        async with Call(replying(answer)) as call:
            with pytest.raises(CallFailed, match="none.wav cannot be read"):
                await call.say("none.wav")


async def test_the_traceback_ends_in_the_script() -> None:
    async with Call(replying(answer)) as call:
        with pytest.raises(CallFailed) as failed:
            await call.reply(limit_s=1)
    lines = [entry.line for entry in traceback.extract_tb(failed.value.__traceback__)]
    assert lines[0] == "await call.reply(limit_s=1)"
    assert len(lines) <= 3


async def test_recording_and_timeline(tmp_path: Path) -> None:
    async with Call(replying(answer), voice=Tones(), noise_db=-60) as call:
        await call.say("zero")
        await call.finish()
    call.save(tmp_path / "call.wav")
    assert (tmp_path / "call.wav").stat().st_size > 4 * 48_000
    said, heard = call._caller.spoken.samples, call._caller.heard.samples
    turn = call.turns[0]
    start, end = round(turn.starts_s * 48_000), round(turn.ends_s * 48_000)
    assert np.abs(said[start:end]).max() > 7000
    assert 0 < np.abs(said[end + 10 :]).max() < 300  # the room
    assert np.flatnonzero(heard)[0] == pytest.approx(turn.reply_starts_s * 48_000, abs=50)
    lines = call.timeline().splitlines()
    assert "caller   says 'zero' (test_call.py:" in lines[0]
    assert lines[-1].endswith("caller   hangs up")
    assert any(line.endswith("program  log: pause_detected") for line in lines)
