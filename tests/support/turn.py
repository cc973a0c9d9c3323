"""A local coturn, for tests that use a TURN server."""

from __future__ import annotations

import secrets
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.programs import require_program

__all__ = ["PASSWORD", "SECRET", "USER", "Turn", "turn_server"]

USER, PASSWORD = "test", "secret"
SECRET = "a secret that the program and coturn share"
START_WITHIN = 30.0  # s


class Turn:
    """A running server.

    Attributes:
        port: Its port on 127.0.0.1, for UDP and TCP.
    """

    def __init__(self, port: int, process: subprocess.Popen[bytes] | None = None) -> None:
        self.port = port
        self._process = process

    def kill(self) -> None:
        """Kill the server without a shutdown, as a power failure does."""
        assert self._process is not None
        self._process.kill()

    def url(self, transport: str = "udp") -> str:
        return f"turn:127.0.0.1:{self.port}?transport={transport}"

    def relay_only(
        self, username: str = USER, credential: str = PASSWORD, transport: str = "udp"
    ) -> dict[str, Any]:
        """Return a configuration that allows only the relay."""
        server = {"urls": self.url(transport), "username": username, "credential": credential}
        return {"iceServers": [server], "iceTransportPolicy": "relay"}


@contextmanager
def turn_server(
    folder: Path, *, time_limited: bool = False, configuration: Path | None = None
) -> Iterator[Turn]:
    """Run coturn with one user, with credentials made from `SECRET`, or with a configuration
    file."""
    port = free_port()
    if configuration is not None:
        how = ["-c", str(configuration)]
    elif time_limited:
        how = ["-n", "--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=x.local"]
    else:
        how = ["-n", "--lt-cred-mech", f"--user={USER}:{PASSWORD}", "--realm=x.local"]
    with (folder / "coturn.log").open("wb") as log:
        server = subprocess.Popen(
            [
                *[require_program("turnserver"), *how, "--listening-ip=127.0.0.1"],
                *["--relay-ip=127.0.0.1", f"--listening-port={port}", "--allow-loopback-peers"],
                *["--no-cli", "--no-tls", "--no-dtls"],
                *[f"--pidfile={folder}/pid", f"--userdb={folder}/users"],
                *["--log-file=stdout", "--simple-log"],
            ],
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + START_WITHIN
        while not (_listens(port) and _answers(port)):
            assert server.poll() is None, (folder / "coturn.log").read_text()
            assert time.monotonic() < deadline, "coturn did not start"
            time.sleep(0.02)
        yield Turn(port, server)
    finally:
        server.terminate()
        server.wait(10)


def _answers(port: int) -> bool:
    """Return whether the server answers a binding request over UDP, which it opens later."""
    request = struct.pack("!HHI", 1, 0, 0x2112A442) + secrets.token_bytes(12)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(("127.0.0.1", port))
            probe.send(request)
            return bool(probe.recv(1500))
        except OSError:
            return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
