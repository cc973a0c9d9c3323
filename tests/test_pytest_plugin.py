"""The pytest plugin: the fixture `call`, and what a failed test leaves."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PLUGIN = "fastrtc._pytest_plugin"

PROGRAM = """
import numpy as np
from fastrtc import Stream
from tests.testing.programs import Tones, replying, tone

def answer(audio):
    yield 24000, tone(1.0)

stream = replying(answer)
voice = Tones()
"""

TESTS = """
from program import stream, voice

async def test_right(call):
    async with call(stream, voice=voice) as caller:
        await caller.say("one")
        await caller.finish()
    assert caller.turns[0].latency_s < 0.7

async def test_wrong(call):
    for said in ("one", "two"):
        async with call(stream, voice=voice) as caller:
            await caller.say(said)
            await caller.finish()
    assert caller.turns[0].latency_s < 0.01

async def test_in_the_call(call):
    async with call(stream, voice=voice) as caller:
        await caller.reply(limit_s=1)
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the tests; return the result."""
    pytester.makepyfile(program=PROGRAM, test_calls=TESTS)
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    )
    paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))

    def run(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess("-p", PLUGIN, "-p", "no:cacheprovider", *arguments)

    return run


def test_a_failed_test_leaves_its_calls(run: Run, pytester: pytest.Pytester) -> None:
    result = run()
    result.assert_outcomes(passed=1, failed=2)
    folder = pytester.path / "test-results"
    names = ["test_calls.py-test_in_the_call-1", "test_calls.py-test_wrong-1"]
    names += ["test_calls.py-test_wrong-2"]
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{name}{kind}" for name in names for kind in (".txt", ".wav")
    ]
    timeline = (folder / "test_calls.py-test_wrong-2.txt").read_text(encoding="utf-8")
    assert "caller   says 'two' (test_calls.py:" in timeline
    assert "program  is heard" in timeline
    result.stdout.fnmatch_lines(
        [
            "*- call 2 -*",
            "*caller   says 'two' (test_calls.py:*",
            f"Recording (caller left, program right): {folder}/test_calls.py-test_wrong-2.wav",
            f"Timeline: {folder}/test_calls.py-test_wrong-2.txt",
        ]
    )


def test_beside_the_report(run: Run, pytester: pytest.Pytester) -> None:
    run("--junit-xml=reports/junit.xml", "-k", "in_the_call")
    written = sorted(path.name for path in (pytester.path / "reports").iterdir())
    name = "test_calls.py-test_in_the_call-1"
    assert written == ["junit.xml", f"{name}.txt", f"{name}.wav"]


def test_a_folder_that_cannot_be_written(run: Run, pytester: pytest.Pytester) -> None:
    (pytester.path / "there").write_text("a file")
    result = run("--call-results=there", "-k", "in_the_call")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*The recording could not be written: *"])


def test_a_run_without_calls_does_not_load_the_package(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\n\ndef test():\n    assert 'numpy' not in sys.modules\n"
        "    assert 'fastrtc.testing' not in sys.modules\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider"]
    assert pytester.run(*command).ret == 0
