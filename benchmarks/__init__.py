"""Speed, cost and leaks of fastrtc beside FastRTC 0.0.34 and aiortc alone; run by hand."""
