"""Firefox as Debian and Mozilla release it, driven by WebDriver BiDi (https://w3.org/TR/webdriver-bidi).

Playwright drives only its own build of Firefox, which no package manager has.
"""

import asyncio
import contextlib
import itertools
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.programs import require_program

__all__ = ["Firefox", "FirefoxPage", "firefox"]

PATIENCE_S = 60.0
"""How long to wait for a start, an answer or a page, in seconds: the machine may be busy."""

PREFERENCES: dict[str, bool | int | str] = {
    # a microphone with a tone and a camera with a color, and no question about them
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.peerconnection.ice.loopback": True,  # otherwise no candidates for 127.0.0.1
    # no requests of its own
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}
LISTENING = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")


class Firefox:
    """A running browser.

    Attributes:
        errors: Exceptions that no page has caught, and errors that it has logged.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.errors: list[str] = []

    async def read(self) -> None:
        """Process what the browser says, until it has ended."""
        with contextlib.suppress(ConnectionClosed):
            async for text in self._socket:
                self._process(json.loads(text))

    def _process(self, message: dict[str, Any]) -> None:
        if message["type"] == "event":
            entry = message["params"]
            if entry["type"] == "javascript" or entry["level"] == "error":
                self.errors.append(str(entry["text"]))
        elif (answer := self._answers.pop(message["id"], None)) and not answer.done():
            answer.set_result(message)

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command; return its result."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        message = await asyncio.wait_for(answer, PATIENCE_S)
        assert message["type"] == "success", message
        result: dict[str, Any] = message["result"]
        return result

    async def open(self, url: str) -> "FirefoxPage":
        """Open a page in a new tab."""
        tab = (await self.send("browsingContext.create", type="tab"))["context"]
        await self.send("browsingContext.navigate", context=tab, url=url, wait="complete")
        return FirefoxPage(self, tab)


class FirefoxPage:
    """A tab with a page."""

    def __init__(self, browser: Firefox, tab: str) -> None:
        self._browser = browser
        self._tab = tab

    async def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page, as JSON has it; it may be a promise."""
        result = await self._browser.send(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await ({expression})) ?? null))()",
            target={"context": self._tab},
            awaitPromise=True,
            userActivation=True,
        )
        assert result["type"] == "success", result
        return json.loads(result["result"]["value"])

    async def wait_for(self, expression: str) -> Any:
        """Wait until an expression is true in the page, and return its value."""
        until = time.monotonic() + PATIENCE_S
        while not (found := await self.evaluate(expression)):
            assert time.monotonic() < until, f"in vain: {expression}"
            await asyncio.sleep(0.1)
        return found

    async def press(self, name: str) -> None:
        """Press a button by its text or label."""
        found = f"""[...document.querySelectorAll("button")].find(
            (one) => [one.textContent.trim(), one.ariaLabel].includes({json.dumps(name)})
        )"""
        await self.wait_for(f"Boolean({found})")
        await self.evaluate(f"{found}.click()")

    async def close(self) -> None:
        await self._browser.send("browsingContext.close", context=self._tab)


@contextlib.asynccontextmanager
async def firefox(folder: Path, environment: dict[str, str]) -> AsyncIterator[Firefox]:
    """Run Firefox with fake devices within the block.

    Args:
        folder: An empty folder for its profile.
        environment: Its environment; without a device to play on, Web Audio stands still in it.
    """
    lines = [f"user_pref({json.dumps(n)}, {json.dumps(v)});\n" for n, v in PREFERENCES.items()]
    (folder / "user.js").write_text("".join(lines))
    process = await asyncio.create_subprocess_exec(
        require_program("firefox"),
        *("--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(folder)),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    written = process.stderr
    try:
        address = await asyncio.wait_for(_address(written), PATIENCE_S)
        rest = asyncio.create_task(written.read())  # so that it is never held up
        async with connect(f"{address}/session", max_size=None, open_timeout=PATIENCE_S) as socket:
            browser = Firefox(socket)
            reading = asyncio.create_task(browser.read())
            await browser.send("session.new", capabilities={})
            await browser.send("session.subscribe", events=["log.entryAdded"])
            yield browser
            await browser.send("browser.close")
            await reading
        await asyncio.wait_for(process.wait(), PATIENCE_S)
        await rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _address(written: asyncio.StreamReader) -> str:
    while not (found := LISTENING.search(line := await written.readline())):
        assert line, "Firefox has ended"
    return found[1].decode()
