"""RTVI over SmallWebRTC: pipecat's clients talk to a handler."""
