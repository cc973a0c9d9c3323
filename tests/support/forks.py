"""Python programs in forks of a process that has imported what takes long.

Starting Python and importing FastRTC and Gradio takes some 4 s of CPU time, more than most programs
of tests do afterwards. Programs whose start or imports are tested run in processes of their own.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

__all__ = ["Fork", "forked"]

PRELOADED = [
    "fastrtc.cli.demo",
    "fastrtc.stream",
    "fastrtc.webrtc",
    "google.genai",
    "gradio",
    "onnxruntime",
    "openai",
    "pocketsphinx",
    "tests.support.forks",
    "tests.webrtc.handlers",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRELOADED)


class Fork:
    """A program, with the attributes and methods of a ``subprocess.Popen`` that tests use.

    Args:
        arguments: Those of Python: the path of a script, or ``-m`` and a module, and their own.
        cwd: The working directory, or None for that of this process.
        env: The environment, or None for that of this process.
        stdout: The file for what it writes, or None for a pipe.
        stderr: The same, or ``subprocess.STDOUT``.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdout: IO[Any] | None = None,
        stderr: IO[Any] | int | None = None,
    ) -> None:
        self.args = list(arguments)
        self.stdout, out = _output(stdout)
        self.stderr, err = (None, out) if stderr == subprocess.STDOUT else _output(stderr)
        self._process = _context.Process(
            target=_run,
            args=(self.args, str(cwd or Path.cwd()), dict(env or os.environ), out, err),
        )
        self._process.start()
        out.close()
        err.close()
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read until the program ends; return the rest of what it wrote."""
        said = ["", ""]

        def read(index: int, stream: IO[str]) -> None:
            said[index] = stream.read()

        streams = [(index, one) for index, one in enumerate((self.stdout, self.stderr)) if one]
        readers = [threading.Thread(target=read, args=one, daemon=True) for one in streams]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader, (_, stream) in zip(readers, streams, strict=True):
            reader.join()
            stream.close()
        self.stdout = self.stderr = None
        return said[0], said[1]

    def send_signal(self, number: int) -> None:
        if self.poll() is None and self.pid is not None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@contextmanager
def forked(*arguments: str, **options: Any) -> Iterator[Fork]:
    """Run a program that is killed in the end; the parameters are those of `Fork`."""
    process = Fork(arguments, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _output(file: IO[Any] | int | None) -> tuple[IO[str] | None, Connection]:
    """Return what to read the output from, and where the program writes it."""
    if file is None:
        reader, writer = os.pipe()
        return os.fdopen(reader, encoding="utf-8"), Connection(writer, readable=False)
    assert not isinstance(file, int)
    return None, Connection(os.dup(file.fileno()), readable=False)


def _run(
    arguments: list[str],
    directory: str,
    environment: dict[str, str],
    out: Connection,
    err: Connection,
) -> None:
    """Run the program in the forked process."""
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    out.close()
    err.close()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path(arguments[0]).resolve().parent))
        runpy.run_path(arguments[0], run_name="__main__")
