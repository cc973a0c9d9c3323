"""Tasks with an owner: errors are heard of, and they end together."""

import asyncio
import contextvars
import functools
import gc
import logging
import threading

import pytest

from fastrtc.core.tasks import BoundedThreads, TaskOwner, run_in_thread, runs_on
from tests.support.peers import eventually

word = contextvars.ContextVar("word", default="none")


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_task_gives_its_result_and_has_its_owners_name():
    async def work() -> int:
        return 3

    task = TaskOwner("session").start(work(), "work")

    assert task.get_name() == "session:work"
    assert await task == 3


async def test_a_running_task_is_not_collected():
    owner, done = TaskOwner("o"), asyncio.Event()

    async def work(ready: asyncio.Event, go_on: asyncio.Event) -> None:
        ready.set()
        await go_on.wait()
        done.set()

    ready, go_on = asyncio.Event(), asyncio.Event()
    owner.start(work(ready, go_on), "work")
    await ready.wait()
    gc.collect()
    go_on.set()

    await asyncio.wait_for(done.wait(), 30)


async def test_tasks_see_the_owners_context_and_each_has_a_copy():
    context = contextvars.copy_context()
    context.run(word.set, "owner's")
    owner = TaskOwner("o", context)

    async def say(change: str) -> str:
        said = word.get()
        word.set(change)
        return said

    assert await owner.start(say("first"), "1") == "owner's"
    assert await owner.start(say("second"), "2") == "owner's"
    assert word.get() == "none"


async def test_without_a_context_they_see_the_one_of_the_starter():
    async def say() -> str:
        return word.get()

    token = word.set("starter's")
    task = TaskOwner("o").start(say(), "say")
    word.reset(token)

    assert await task == "starter's"


async def test_an_error_goes_to_whoever_asked_for_it():
    errors: list[Exception] = []
    owner = TaskOwner("o", on_error=errors.append)
    error = ValueError("broken")

    async def work() -> None:
        raise error

    owner.start(work(), "work")
    await owner.join(30)

    assert errors == [error]


async def test_an_error_that_nobody_asked_for_is_logged(caplog: pytest.LogCaptureFixture):
    owner = TaskOwner("o")

    async def work() -> None:
        raise ValueError("broken")

    owner.start(work(), "work")
    await owner.join(30)

    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "Task o:work failed")
    assert record.exc_info


async def test_cancelled_tasks_are_no_errors():
    errors: list[Exception] = []
    owner = TaskOwner("o", on_error=errors.append)
    tasks = [owner.start(forever(), str(number)) for number in range(3)]
    await asyncio.sleep(0)

    owner.cancel()

    assert await owner.join(30) == set()
    assert all(task.cancelled() for task in tasks)
    assert errors == []


async def test_a_task_that_comes_after_the_end_does_not_run():
    owner, ran = TaskOwner("o"), []
    owner.cancel()

    async def work() -> None:
        ran.append(True)

    task = owner.start(work(), "late")
    await owner.join(30)

    assert task.cancelled()
    assert ran == []


async def test_a_task_may_end_its_owner():
    owner = TaskOwner("o")
    other = owner.start(forever(), "other")

    async def end() -> str:
        owner.cancel()
        assert await owner.join(30) == set(), "it does not wait for itself"
        return "ended"

    assert await owner.start(end(), "end") == "ended"
    assert other.cancelled()


async def test_tasks_that_do_not_end_are_named():
    owner, let_go = TaskOwner("o"), asyncio.Event()

    async def stubborn() -> None:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                pass

    owner.start(stubborn(), "stubborn")
    await asyncio.sleep(0)
    owner.cancel()

    assert await owner.join(0.01) == {"o:stubborn"}
    let_go.set()
    assert await owner.join(30) == set()


async def test_code_knows_whether_it_runs_on_a_loop():
    loop, found = asyncio.get_running_loop(), {}

    def look(where: str) -> None:
        found[where] = runs_on(loop)

    async def look_on_another_loop() -> None:
        look("another loop")

    def in_thread() -> None:
        look("thread")
        asyncio.run(look_on_another_loop())

    look("loop")
    thread = threading.Thread(target=in_thread)
    thread.start()
    await asyncio.to_thread(thread.join)

    assert found == {"loop": True, "thread": False, "another loop": False}


async def test_a_function_runs_in_a_thread_of_its_own():
    word.set("mine")

    def where() -> tuple[str, bool, str]:
        thread = threading.current_thread()
        return thread.name, thread.daemon, word.get()

    assert await run_in_thread(where) == ("fastrtc-where", True, "mine")


async def test_what_the_function_raises_is_raised():
    def fails() -> None:
        raise KeyError("nothing there")

    with pytest.raises(KeyError, match="nothing there"):
        await run_in_thread(fails)


async def test_a_function_that_hangs_delays_nobody():
    free = threading.Event()
    waiting = asyncio.create_task(run_in_thread(free.wait))
    assert await run_in_thread(lambda: 7) == 7
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    free.set()


async def test_bounded_threads_run_so_many_at_a_time_and_the_others_in_order():
    threads = BoundedThreads("fastrtc-few", 2)
    free, done = threading.Event(), []

    def blocked() -> str:
        free.wait()
        return threading.current_thread().name

    def note(number: int) -> None:
        done.append((number, word.get()))

    word.set("mine")
    first = [asyncio.create_task(threads.run(blocked)) for _ in range(2)]
    later = [asyncio.create_task(threads.run(functools.partial(note, k))) for k in range(5)]
    await eventually(lambda: sum(t.name == "fastrtc-few" for t in threading.enumerate()) == 2)
    assert not done
    later[1].cancel()  # one that nobody waits for is not called
    await asyncio.wait([later[1]])
    free.set()
    assert await asyncio.gather(*first) == ["fastrtc-few"] * 2
    await asyncio.gather(*later, return_exceptions=True)
    assert sorted(done) == [(k, "mine") for k in (0, 2, 3, 4)]
    assert await threads.run(lambda: 7) == 7


async def test_bounded_threads_raise_what_the_function_raises_and_go_on():
    threads = BoundedThreads("fastrtc-few", 1)

    def fails() -> None:
        raise KeyError("nothing there")

    for _ in range(3):
        with pytest.raises(KeyError, match="nothing there"):
            await threads.run(fails)
