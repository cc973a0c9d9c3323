"use client";

import { AudioLevel, Captions, StreamButton, StreamStatus, useStream } from "@fastrtc/react";
import "@fastrtc/react/styles.css";

export function Talk({ url = "http://localhost:8000" }) {
  const stream = useStream({ url });

  return (
    <main>
      <StreamButton stream={stream} />
      <AudioLevel stream={stream} side="local" />
      <StreamStatus stream={stream} />
      <Captions stream={stream} />
    </main>
  );
}
