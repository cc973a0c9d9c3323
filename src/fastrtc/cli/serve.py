"""``fastrtc serve``: an app in several processes, which share a directory of their connections."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import operator
import os
import socket
import sys
import tempfile
import traceback
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ..server.cluster.options import ADDRESS, CLUSTER, SECRET, resolve_cluster
from ..server.shutdown import interrupt_on_sigterm
from .ports import port_problem

__all__ = ["environment_of", "load", "run"]

UDP_PORT = "FASTRTC_UDP_PORT"
APP = "FASTRTC_SERVE_APP"

GRACEFUL_SHUTDOWN_S = 15
"""How long a worker waits for running requests after its connections have ended, in seconds."""

FAILED = 3
"""The exit status of a process in which uvicorn could not start the app."""


class InvalidOptions(Exception):
    """Options that cannot be used; the message says what to do."""


def run(given: Namespace) -> int:
    """Serve an app until SIGTERM or Ctrl-C.

    Args:
        given: The arguments of the command.

    Returns:
        The exit status: 1 if the app cannot be served.
    """
    with tempfile.TemporaryDirectory(prefix="fastrtc-") as folder:
        try:
            _check(given)
            variables = environment_of(given, Path(folder)) | {APP: given.app}
        except InvalidOptions as error:
            print(f"fastrtc serve: {error}", file=sys.stderr)
            return 1
        with _environment(variables):
            return _serve(given)


def load(loaded: Connection, sender: Connection) -> Any:
    """Import the app, in a worker.

    The supervisor replaces a worker that ends because of an exception. If no worker could load the
    app so far, none ever will, and this ends the supervisor, too.

    Args:
        loaded: The end of a pipe in which there is something if a worker could load the app. All
            workers share it, and none reads it.
        sender: Its other end.
    """
    try:
        app = _import(os.environ[APP])
    except Exception:
        if loaded.poll():
            raise
        traceback.print_exc()
        raise SystemExit(FAILED) from None
    if not loaded.poll():
        sender.send_bytes(b"loaded")
    return app


def _import(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return operator.attrgetter(attribute)(importlib.import_module(module))


def environment_of(given: Namespace, folder: Path) -> dict[str, str]:
    """Return the environment variables of the workers.

    Args:
        given: The arguments of the command.
        folder: The directory for the database of connections, if it is on this machine.

    Raises:
        InvalidOptions: If an option is missing or invalid, or a file cannot be read.
    """
    variables = {}
    if given.udp_port is not None:
        ports = _udp_ports(given)
        variables[UDP_PORT] = str(ports[0]) if len(ports) == 1 else f"{ports[0]}..{ports[-1]}"
    if given.redis is not None:
        variables[CLUSTER] = given.redis
    elif given.workers > 1 and not os.environ.get(CLUSTER):
        variables[CLUSTER] = f"sqlite:{(folder / 'cluster.db').as_posix()}"
    if given.secret_file is not None:
        variables[SECRET] = _read_secret(given.secret_file)
    if given.address is not None:
        variables[ADDRESS] = given.address
    if given.redis is not None and not (variables.get(SECRET) or os.environ.get(SECRET)):
        raise InvalidOptions(
            f"--redis requires a secret that all machines share: --secret-file FILE, or {SECRET}"
        )
    try:
        resolve_cluster(None, {**os.environ, **variables})
    except ValueError as error:
        raise InvalidOptions(str(error)) from error
    return variables


def _udp_ports(given: Namespace) -> range:
    """Return a port for each worker, and one for a worker that replaces another one."""
    return range(given.udp_port, given.udp_port + given.workers + (given.workers > 1))


def _check(given: Namespace) -> None:
    """Check the options that uvicorn and the workers would only fail on.

    Raises:
        InvalidOptions: If one cannot be used.
    """
    module, _, attribute = given.app.partition(":")
    if not module or not attribute:
        raise InvalidOptions(f"{given.app!r} must be MODULE:APP, such as app:app for app.py")
    sys.path.insert(0, os.getcwd())  # as uvicorn does
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise InvalidOptions(f"there is no module {module!r} in {os.getcwd()} or the environment")
    if given.redis is not None and importlib.util.find_spec("redis") is None:
        raise InvalidOptions('--redis requires the extra "cluster": pip install "fastrtc[cluster]"')
    if problem := port_problem(given.port, given.host):
        raise InvalidOptions(problem)
    if given.udp_port is not None:
        _check_udp_ports(given)


def _check_udp_ports(given: Namespace) -> None:
    ports = _udp_ports(given)
    if ports[-1] > 65535:
        raise InvalidOptions(f"--udp-port: {len(ports)} ports are needed, up to {ports[-1]}")
    free = [port for port in ports if _is_free(port)]
    if len(free) < given.workers:
        used = ", ".join(str(port) for port in ports if port not in free)
        raise InvalidOptions(
            f"UDP ports in use: {used}. {given.workers} workers need as many of the ports "
            f"{ports[0]} to {ports[-1]}: choose others with --udp-port"
        )


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def _read_secret(path: str) -> str:
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InvalidOptions(f"--secret-file {path} cannot be read: {reason}") from error
    if not secret:
        raise InvalidOptions(f"--secret-file {path} is empty")
    return secret


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables within a block; processes that it starts inherit them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _serve(given: Namespace) -> int:
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    options: dict[str, Any] = {
        "host": given.host,
        "port": given.port,
        "workers": given.workers,
        "timeout_graceful_shutdown": GRACEFUL_SHUTDOWN_S,
    }
    if "timeout_worker_healthcheck" in inspect.signature(uvicorn.Config).parameters:
        options["timeout_worker_healthcheck"] = given.startup_timeout
    if given.workers == 1:
        with interrupt_on_sigterm():
            uvicorn.run(given.app, **options)
        return 0
    loaded, sender = Pipe(duplex=False)
    config = uvicorn.Config(partial(load, loaded, sender), factory=True, **options)
    with loaded, sender, config.bind_socket() as listening:
        supervisor = Multiprocess(config, sockets=[listening])
        supervisor.run()
    return int(any(process.exitcode == FAILED for process in supervisor.processes))
