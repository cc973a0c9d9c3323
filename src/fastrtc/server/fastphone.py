"""Temporary phone numbers through the FastPhone service."""

from __future__ import annotations

import errno
import inspect
import logging
import secrets
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import uvicorn
from fastapi import FastAPI

from ..core.limits import Limits
from ..transport.telephony.twiml import require_twilio
from .authorization import site_policy
from .local_server import LOCAL_NAMES, OwnHostsOnly
from .shutdown import close_connections, interrupt_on_sigterm
from .telephone import Telephone

__all__ = ["FastPhoneService", "serve"]

logger = logging.getLogger(__name__)

JOIN_S = 1.0
"""Interval at which the main thread wakes while it waits, in seconds: on Windows, Ctrl-C cannot
interrupt a wait without a timeout."""

END_TIMEOUT_S = 5
"""How long to wait for running requests when the server stops, in seconds."""


@dataclass(frozen=True)
class FastPhoneService:
    """The addresses of the service.

    Attributes:
        url: The address.
        fallback_url: Used if ``url`` does not respond or fails with a server error.
        timeout_s: Timeout of a request, in seconds.
    """

    url: str = "https://api.fastrtc.org"
    fallback_url: str = "https://fastrtc-fastphone.hf.space"
    timeout_s: float = 30.0


@dataclass(frozen=True)
class Registration:
    """The service's response to a registration.

    Attributes:
        service_url: The address that responded.
        code: The code for callers to enter.
        phone: The phone number.
        time_remaining_s: Remaining calling time of the quota, in seconds.
        reset_date: When the quota is renewed.
    """

    service_url: str
    code: Any
    phone: str
    time_remaining_s: float
    reset_date: str


class QuotaUsedUp(Exception):
    """There is no calling time left.

    Attributes:
        reset_date: When the quota is renewed; empty if the service did not say.
    """

    def __init__(self, reset_date: str) -> None:
        super().__init__(reset_date)
        self.reset_date = reset_date


class PhoneStream(Protocol):
    """The required interface of a stream."""

    allowed_hosts: Collection[str] | str | None
    limits: Limits

    def mount(self, app: FastAPI) -> None:
        """Add the stream's routes to an app."""


def serve(
    stream: PhoneStream,
    telephone: Telephone,
    token: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    service: FastPhoneService | None = None,
    **kwargs: Any,
) -> None:
    """Serve a stream by telephone, until Ctrl-C; see ``Stream.fastphone``."""
    require_twilio()  # needed to answer calls; so check it before requesting a number
    app = FastAPI()
    stream.mount(app)
    names: set[str] = set()
    own = site_policy(None, stream.allowed_hosts, local=True)
    if host in LOCAL_NAMES:
        app.add_middleware(
            OwnHostsOnly, policy=lambda: replace(own, machine={*own.machine, *names})
        )
    telephone.through_fastphone = True
    # Maximum size of a message as it is decompressed, before any check; uvicorn's is 16 MiB.
    options = {"ws_max_size": 2 * stream.limits.message_bytes} | kwargs
    try:
        with (
            _server(app, host, port, options) as (server, listening),
            _Client(token, service or FastPhoneService()) as client,
            _tunnel(*listening.getsockname()[:2]) as url,
        ):
            names.add(urlsplit(url).hostname or "")
            with interrupt_on_sigterm():
                _hold_number(client, urlsplit(url).netloc, server)
                close_connections(server)  # while the tunnel is open and before uvicorn closes
    finally:
        telephone.through_fastphone = False


def _hold_number(client: _Client, address: str, server: threading.Thread) -> None:
    """Register a number until the server ends or the user interrupts."""
    try:
        registration = client.register(address)
    except QuotaUsedUp as used_up:
        print(_quota_line(used_up), flush=True)
        return
    try:
        print(_number_lines(registration), flush=True)
        while server.is_alive():
            server.join(JOIN_S)
    except KeyboardInterrupt:
        print("The number is given back.", flush=True)
    finally:
        client.unregister(registration, address)


@contextmanager
def _tunnel(host: str, port: int) -> Iterator[str]:
    """Expose a local server at a public URL within the block."""
    from gradio import tunneling
    from gradio.networking import setup_tunnel

    running = getattr(tunneling, "CURRENT_TUNNELS", [])
    before = list(running)
    # a later Gradio 5 added the last parameter, a certificate
    rest = [None] * (len(inspect.signature(setup_tunnel).parameters) - 3)
    try:
        yield str(setup_tunnel(host, port, secrets.token_urlsafe(32), *rest))
    finally:
        for tunnel in [tunnel for tunnel in running if tunnel not in before]:
            tunnel.kill()
            running.remove(tunnel)


class _Client:
    """A client of the service."""

    def __init__(self, token: str | None, service: FastPhoneService) -> None:
        if token is None:
            from huggingface_hub import get_token

            token = get_token()
        self._http = httpx.Client(headers={"Authorization": token or ""}, timeout=service.timeout_s)
        self._urls = (service.url, service.fallback_url)

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def register(self, address: str) -> Registration:
        """Request a number.

        Raises:
            QuotaUsedUp: If there is no calling time left.
            httpx.HTTPStatusError: If the service refuses.
            httpx.TransportError: If it cannot be reached.
            RuntimeError: If the response is malformed.
        """
        url, response = self._post_to_first(address)
        response.raise_for_status()
        answer = _object(response)
        if response.status_code == httpx.codes.ACCEPTED:
            raise QuotaUsedUp(str(answer.get("reset_date", "")))
        try:
            return Registration(
                url,
                answer["code"],
                answer["phone"],
                float(answer["time_remaining"]),
                answer["reset_date"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RuntimeError(f"{url} gave no number, but {response.text[:200]!r}") from error

    def _post_to_first(self, address: str) -> tuple[str, httpx.Response]:
        """Post to the address, or to the fallback if that fails."""
        first, fallback = self._urls
        try:
            response = self._http.post(f"{first}/register", json={"url": address})
            if not response.is_server_error:
                return first, response
            reason = f"status {response.status_code}"
        except httpx.TransportError as error:
            reason = f"{type(error).__name__}: {error}"
        logger.info("%s failed (%s): trying %s", first, reason, fallback)
        return fallback, self._http.post(f"{fallback}/register", json={"url": address})

    def unregister(self, registration: Registration, address: str) -> None:
        """Release the number; a failure is only logged, as the registration expires by itself."""
        try:
            self._http.post(
                f"{registration.service_url}/unregister",
                json={"url": address, "code": registration.code},
            ).raise_for_status()
        except httpx.HTTPError as error:
            logger.warning("The number could not be released: %s", error)


def _object(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of a response; an empty one if there is none."""
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


class _Server(uvicorn.Server):
    """A uvicorn server that calls a function when it has started."""

    def __init__(self, config: uvicorn.Config, when_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = when_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._when_started()


@contextmanager
def _server(
    app: FastAPI, host: str, port: int, options: dict[str, Any]
) -> Iterator[tuple[threading.Thread, socket.socket]]:
    """Run uvicorn in a thread within the block, which is entered once it listens.

    Raises:
        OSError: If the port cannot be used.
        RuntimeError: If the server does not start.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        reason = str(error.strerror).partition(" (while")[0]  # Python adds the address
        why = "is in use" if in_use else f"cannot be used ({reason})"
        raise OSError(error.errno, f"Port {port} of {host} {why}: pass another port") from None
    with listening:
        settled = threading.Event()
        options = {"timeout_graceful_shutdown": END_TIMEOUT_S} | options
        server = _Server(uvicorn.Config(app, host=host, port=port, **options), settled.set)

        def run() -> None:
            try:
                server.run(sockets=[listening])
            except SystemExit:  # uvicorn exits if the app does not start
                pass
            finally:
                settled.set()

        thread = threading.Thread(target=run, name="fastrtc-fastphone", daemon=True)
        thread.start()
        try:
            settled.wait()
            if not server.started:
                raise RuntimeError("The server did not start: see its log")
            yield thread, listening
        finally:
            server.should_exit = True
            thread.join()


def _number_lines(given: Registration) -> str:
    minutes, seconds = divmod(max(0, round(given.time_remaining_s)), 60)
    return (
        f"Your stream is on the telephone: call {given.phone} and type the code {given.code}.\n"
        f"{minutes}:{seconds:02d} minutes of calls are left until {given.reset_date}.\n"
        "Press Ctrl-C to give the number back."
    )


def _quota_line(used_up: QuotaUsedUp) -> str:
    when = f"There is a new quota on {used_up.reset_date}." if used_up.reset_date else ""
    return f"Your calling time with FastPhone is used up. {when}".rstrip()
