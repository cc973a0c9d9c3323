"""What the programs of the page on TURN servers give to their clients."""

from collections.abc import Callable
from types import ModuleType


async def test_a_configuration_for_each_client(snippet: Callable[[str], ModuleType]) -> None:
    stream = snippet("turn/coturn.py").stream
    (server,) = (await stream.get_rtc_configuration())["iceServers"]
    assert len(server["urls"]) == 2
    assert server["username"].split(":")[0].isdigit()  # until when it is good
