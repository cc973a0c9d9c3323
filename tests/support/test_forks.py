"""Programs in forks: what they get, and how they end."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.forks import Fork, forked

SCRIPT = """
import os, sys, time
print(sys.argv[1:], os.environ["MINE"], os.getcwd(), __name__)
print("error", file=sys.stderr)
if sys.argv[1] == "waits":
    time.sleep(60)
sys.exit(3)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def test_a_script_has_its_arguments_environment_and_directory(script: Path) -> None:
    with forked(str(script), "a", cwd=script.parent, env={"MINE": "b"}) as fork:
        assert fork.communicate(60) == (f"['a'] b {script.parent} __main__\n", "error\n")
    assert fork.returncode == 3


def test_a_module_writes_into_a_file(script: Path) -> None:
    log = script.with_name("log")
    with log.open("w") as file:
        assert Fork(["-m", "json.tool", "--help"], stdout=file, stderr=file).wait(60) == 0
    assert log.read_text().startswith("usage:")


def test_a_signal_ends_it(script: Path) -> None:
    with forked(str(script), "waits", env={"MINE": ""}, stderr=subprocess.STDOUT) as fork:
        assert fork.stdout is not None and fork.stdout.readline().startswith("['waits']")
        assert fork.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            fork.wait(0.01)
        fork.send_signal(signal.SIGTERM)
        assert fork.wait(60) == -signal.SIGTERM
        fork.kill()  # does nothing, for the id may be that of another by now
