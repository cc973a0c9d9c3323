"use client";

import { AudioLevel, Captions, StreamButton, StreamStatus, useStream, type StreamHandle } from "@fastrtc/react";
import "@fastrtc/react/styles.css";
import { useEffect, useState } from "react";

declare global {
  interface Window {
    stream: StreamHandle; // for the test
  }
}

/** A call over WebRTC, or over a WebSocket where the network blocks it. */
export function Call() {
  const [shown, setShown] = useState<number[]>([]);
  const [turns, setTurns] = useState<unknown>();
  const stream = useStream({
    url: "/api",
    transport: "auto",
    methods: {
      show_turn: ({ turn }: { turn: number }) => {
        setShown((before) => [...before, turn]);
        return `The page shows turn ${turn}.`;
      },
    },
  });

  useEffect(() => {
    window.stream = stream;
  }, [stream]);

  async function count() {
    setTurns(undefined);
    setTurns(await stream.call("count_turns"));
  }

  return (
    <main>
      <StreamButton stream={stream} />
      <StreamStatus stream={stream} />
      <AudioLevel stream={stream} side="local" />
      <AudioLevel stream={stream} side="remote" />
      <ol aria-label="Turns">
        {shown.map((turn) => (
          <li key={turn}>Turn {turn}</li>
        ))}
      </ol>
      <Captions stream={stream} />
      <button type="button" disabled={!stream.active} onClick={count}>
        Count the turns
      </button>
      <output>{turns === undefined ? "" : `${String(turns)} counted`}</output>
    </main>
  );
}
