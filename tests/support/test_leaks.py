"""Tests of the leak checks, on tests that leak and tests that do not."""

import pytest

from tests.support import leaks

PLUGINS = ("-p", "tests.support.leaks", "-p", "no:cacheprovider", "-p", "no:rerunfailures")


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(leaks, "GRACE", 1.0)
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
        "markers = allow_threads(*prefixes): may stay\n"
    )

    def run_source(source: str) -> pytest.RunResult:
        pytester.makepyfile(
            "import asyncio, threading, time\nimport pytest, pytest_asyncio\n\n" + source
        )
        return pytester.runpytest_inprocess(*PLUGINS)

    return run_source


def test_a_task_that_stays_is_named(run):
    result = run(
        """
async def forgotten():
    await asyncio.sleep(60)

async def test_leaks():
    asyncio.create_task(forgotten(), name="the-one-left")
"""
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*1 leaked task(s)*", "*the-one-left: forgotten at *.py:6*"])


def test_tasks_that_end_in_time_are_fine(run):
    result = run(
        """
async def test_done():
    await asyncio.create_task(asyncio.sleep(0))

async def test_done_within_the_grace():
    asyncio.create_task(asyncio.sleep(0.1))

async def test_next_is_not_blamed():
    pass
"""
    )
    result.assert_outcomes(passed=3)


def test_fixtures_clean_up_before_the_check(run):
    result = run(
        """
@pytest.fixture
async def server():
    task = asyncio.create_task(asyncio.sleep(60))
    yield
    task.cancel()

async def test_uses_a_server(server):
    pass

async def test_loop_goes_on(server):
    assert len(asyncio.all_tasks()) == 2
"""
    )
    result.assert_outcomes(passed=2)


def test_tasks_of_a_wider_loop_are_left_to_their_owner(run):
    result = run(
        """
@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server():
    task = asyncio.create_task(asyncio.sleep(60), name="owned")
    yield task
    task.cancel()

@pytest.mark.asyncio(loop_scope="module")
async def test_with_a_server(server):
    pass

@pytest.mark.asyncio(loop_scope="module")
async def test_that_leaks_beside_it(server):
    asyncio.create_task(asyncio.sleep(60), name="not-owned")

@pytest.mark.asyncio(loop_scope="module")
async def test_after_it(server):
    assert not server.done()
"""
    )
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*1 leaked task(s)*", "*not-owned: sleep*"])


def test_a_thread_that_stays_is_named(run):
    result = run(
        """
stop = threading.Event()

def test_leaks():
    threading.Thread(target=stop.wait, name="left-running", daemon=True).start()

def test_next_is_not_blamed():
    stop.set()
"""
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*1 leaked thread(s)*", "*left-running (daemon)*"])


def test_threads_that_end_in_time_are_fine(run):
    result = run(
        """
def test_ends():
    threading.Thread(target=time.sleep, args=(0.1,)).start()

async def test_pool_of_the_loop():
    await asyncio.to_thread(time.sleep, 0)

@pytest.fixture(scope="module")
def server():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    yield
    stop.set()
    thread.join()

def test_uses_a_server(server):
    pass
"""
    )
    result.assert_outcomes(passed=3)


def test_a_test_can_allow_threads_by_name(run):
    result = run(
        """
stop = threading.Event()

@pytest.mark.allow_threads("user-")
def test_blocked_user_code():
    threading.Thread(target=stop.wait, name="user-1").start()

@pytest.mark.allow_threads("user-")
def test_other_names_still_count():
    threading.Thread(target=stop.wait, name="other").start()

def test_end():
    stop.set()
"""
    )
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*1 leaked thread(s)*", "*other*"])
