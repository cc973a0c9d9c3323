"""All demos in one application: `python demo/app.py`, then http://127.0.0.1:7860.

The front page is a stream's Gradio page; the demos with their own pages are at /plain.
`python demo/app.py taking_turns` serves only that demo.
"""

import sys

from shared.server import serve

DEMOS = (
    "taking_turns",
    "websocket_echo",
    "websocket_webrtc",
    "offline_assistant",
    "audio_echo",
    "video_flip",
    "audio_video",
    "receive_audio",
    "receive_video",
    "receive_both",
)

if __name__ == "__main__":
    if sys.argv[1:]:
        serve(sys.argv[1:])
    else:
        serve(DEMOS, front="ui_echo")
