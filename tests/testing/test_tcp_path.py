import asyncio

from fastrtc.testing.impairments import Network
from fastrtc.testing.tcp_path import TcpPath
from fastrtc.testing.udp_path import UdpPath


async def arrivals(path: TcpPath | UdpPath, count: int) -> list[int]:
    """Send numbers, and return those that arrive, in order."""
    came: list[int] = []
    for number in range(count):
        path.carry(lambda number=number: came.append(number))  # type: ignore[misc]
    await asyncio.sleep(0.5)
    return came


async def test_tcp_keeps_the_order_and_loses_nothing() -> None:
    now = asyncio.get_running_loop().time()
    network = Network(loss=0.2, jitter_ms=50, reorder=0.3)
    assert await arrivals(TcpPath(network, "x", now), 50) == [*range(50)]


async def test_an_outage_delays_tcp() -> None:
    loop = asyncio.get_running_loop()
    path = TcpPath(Network(outage=(0.0, 0.1)), "x", loop.time())
    arrived = loop.create_future()
    began = loop.time()
    path.carry(lambda: arrived.set_result(None))
    await arrived
    assert loop.time() - began > 0.25


async def test_a_perfect_network_delays_nothing() -> None:
    came: list[int] = []
    TcpPath(Network(), "x", asyncio.get_running_loop().time()).carry(lambda: came.append(1))
    assert came == [1]


async def test_udp_loses_and_swaps_packets() -> None:
    came = await arrivals(UdpPath(Network(loss=0.2, jitter_ms=50), "x"), 50)
    assert 20 < len(came) < 50 and came != sorted(came)
