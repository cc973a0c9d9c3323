"""Run the server in Python and the front end in Node; Ctrl-C ends both.

    python dev.py

PORT is the port of the page, BACKEND_PORT that of the server. Packages that `fastrtc packages
frontend/vendor` has written since the last start are installed.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
FRONTEND = HERE / "frontend"
COMMAND = ["__COMMAND__"]
PORT = os.environ.get("PORT", "__PORT__")
BACKEND_PORT = os.environ.get("BACKEND_PORT", "7860")
BACKEND_URL = f"http://127.0.0.1:{BACKEND_PORT}"

END_TIMEOUT_S = 10


def main() -> int:
    """Install the packages of the front end if needed, and run both programs."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return fail("npm was not found: install Node 20.19 or newer, from https://nodejs.org")
    if problem := port_problem():
        return fail(problem)
    packages = missing_packages()
    if packages is not None:
        print("Installing the packages of the front end ...", flush=True)
        try:
            if install(npm, packages):
                return fail("npm install failed")
        except KeyboardInterrupt:
            return 0
    return run([node, *COMMAND])


def run(frontend: Sequence[str], variables: Mapping[str, str] | None = None) -> int:
    """Run the server and, as soon as it listens, the front end, until either ends.

    Args:
        frontend: The command of the front end, in its folder.
        variables: More of the environment of the front end.

    Returns:
        The exit status: 0 after Ctrl-C or SIGTERM, 1 if one of them has ended by itself.
    """
    let_signals_interrupt()
    programs: list[subprocess.Popen[bytes]] = []
    try:
        server = [sys.executable, str(HERE / "app.py")]
        programs.append(start(server, HERE, {"PORT": BACKEND_PORT, "HOST": "127.0.0.1"}))
        while not is_listening(int(BACKEND_PORT)):
            if programs[0].poll() is not None:
                return fail("app.py has ended")
            time.sleep(0.1)
        environment = {"PORT": PORT, "BACKEND_URL": BACKEND_URL, **(variables or {})}
        programs.append(start(frontend, FRONTEND, environment))
        while True:
            for program, name in zip(programs, ("app.py", "the front end"), strict=True):
                if program.poll() is not None:
                    return fail(f"{name} has ended")
            time.sleep(0.2)
    except KeyboardInterrupt:
        return 0
    finally:
        for program in programs:
            tell_to_end(program)
        for program in programs:
            end(program)


def install(npm: str, packages: Sequence[str]) -> int:
    """Run `npm install` with these packages, and return its exit status."""
    let_signals_interrupt()
    command = [npm, "install", "--no-audit", "--no-fund", *packages]
    program = start(command, FRONTEND, {})
    try:
        return program.wait()
    except KeyboardInterrupt:
        tell_to_end(program)
        end(program)
        raise


def let_signals_interrupt() -> None:
    """Let the signals that end a program raise KeyboardInterrupt, as Ctrl-C does."""
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)


def start(
    command: Sequence[str], folder: Path, variables: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a program as a group of its own, so that Ctrl-C only reaches this one."""
    environment = {**os.environ, **variables}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(command, cwd=folder, env=environment, creationflags=flags)
    return subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)


def tell_to_end(program: subprocess.Popen[bytes]) -> None:
    """Ask a program, and those that it has started, to end."""
    with suppress(OSError):
        if sys.platform == "win32":
            program.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            os.killpg(program.pid, signal.SIGTERM)


def end(program: subprocess.Popen[bytes]) -> None:
    """Wait for a program to end, and kill what is left of it after 10 s."""
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        program.wait(END_TIMEOUT_S)
    with suppress(OSError):
        if sys.platform == "win32":
            command = ["taskkill", "/F", "/T", "/PID", str(program.pid)]
            subprocess.run(command, capture_output=True)
        else:
            os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def missing_packages() -> list[str] | None:
    """Return the arguments of `npm install` for what is missing; None if nothing is.

    npm does not see that a file of the same name has other content, unless it is named.
    """
    installed = FRONTEND / "node_modules" / ".package-lock.json"
    if not installed.exists():
        return []
    time_installed = installed.stat().st_mtime
    files = sorted((FRONTEND / "vendor").glob("*.tgz"))
    if new := [file for file in files if file.stat().st_mtime > time_installed]:
        return [f"./vendor/{file.name}" for file in new]
    return [] if (FRONTEND / "package.json").stat().st_mtime > time_installed else None


def port_problem() -> str | None:
    """Return why the two ports cannot be used, or None."""
    for name, port in (("PORT", PORT), ("BACKEND_PORT", BACKEND_PORT)):
        if not port.isdecimal() or not 0 < int(port) < 65536:
            return f"{name} must be a number from 1 to 65535, not {port!r}"
    if int(PORT) == int(BACKEND_PORT):
        return f"PORT and BACKEND_PORT are both {PORT}: set one of them to another port"
    for port in (BACKEND_PORT, PORT):
        if is_listening(int(port)):
            return f"port {port} is in use: set PORT or BACKEND_PORT to another one"
    return None


def is_listening(port: int) -> bool:
    """Return whether a program listens on a port of this machine."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def fail(problem: str) -> int:
    """Print a problem, and return the exit status for it."""
    print(problem, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
