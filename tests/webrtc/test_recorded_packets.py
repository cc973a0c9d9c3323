"""What a client sends over WebRTC is in the recording as it was sent."""

from pathlib import Path

import numpy as np
from aiortc.rtp import RtpPacket

from fastrtc import Recorder, Stream
from tests.recording.sound import onsets, read
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho


async def test_packets_of_a_call_are_in_its_recording(tmp_path: Path) -> None:
    stream = Stream(
        AsyncAudioEcho(),
        modality="audio",
        mode="send-receive",
        server_rtc_configuration=LOCAL,
        record=Recorder(tmp_path / "call.ogg"),
    )
    sent: list[bytes] = []
    word = np.concatenate((np.zeros(9600, np.int16), tone(0.6)))
    source = AudioSource(np.tile(word, 40))  # after a stall, packets are written from a pause on
    async with Client(stream, audio=source) as client:
        transport = client.pc.getSenders()[0].transport
        send = transport._send_rtp

        async def keep(data: bytes) -> None:
            if not 191 < data[1] < 224:  # RTCP
                sent.append(RtpPacket.parse(data).payload)
            await send(data)

        transport._send_rtp = keep
        await eventually(lambda: len(client.loud()) > 100)
    data = (tmp_path / "call.ogg").read_bytes()
    loud = [payload[1:] for payload in sent if len(payload) > 50]
    found = sum(payload in data for payload in loud)
    assert found > 60 and found > 0.5 * len(loud)
    left, right = read(tmp_path / "call.ogg")
    assert onsets(left)[0] < onsets(right)[0]
