"""Media pacing: inbound buffering, outbound playout."""
