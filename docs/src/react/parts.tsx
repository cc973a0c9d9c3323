// --8<-- [start:calls]
import { useStream } from "@fastrtc/react";
import { useState } from "react";

export function Prices() {
  const [price, setPrice] = useState<unknown>(null);
  const stream = useStream({
    url: "/api",
    methods: {
      // the program calls this: await context.call("location", {"exact": False})
      location: ({ exact }: { exact: boolean }) => (exact ? "Main St. 1" : "Springfield"),
    },
    onMessage: (message) => {
      if (message.type === "offer_ended") setPrice(null);
    },
  });
  const ask = async () => {
    try {
      setPrice(await stream.call("price_of", { item: "tea" }));
    } catch (error) {
      setPrice(String(error));
    }
  };
  return (
    <>
      <button onClick={() => void stream.start()}>{stream.state}</button>
      <button onClick={() => void ask()} disabled={stream.state !== "connected"}>
        Price of tea: {String(price)}
      </button>
    </>
  );
}
// --8<-- [end:calls]

// --8<-- [start:call]
import { VideoView } from "@fastrtc/react";

export function VideoCall() {
  const stream = useStream({ url: "/api", modality: "audio-video" });
  const { devices, muted, active } = stream;
  return (
    <>
      <VideoView stream={stream} side="remote" />
      <VideoView stream={stream} side="local" style={{ width: 160 }} />
      <button onClick={() => (active ? stream.stop() : void stream.start())}>
        {active ? "Hang up" : "Call"}
      </button>
      <button
        aria-pressed={muted.microphone}
        onClick={() => stream.muteMicrophone(!muted.microphone)}
      >
        Mute
      </button>
      <select
        aria-label="Camera"
        value={devices.cameraId ?? devices.cameras[0]?.id}
        onChange={(event) => void devices.setCamera(event.target.value)}
      >
        {devices.cameras.map(({ id, label }) => (
          <option key={id} value={id}>
            {label || "Camera"}
          </option>
        ))}
      </select>
    </>
  );
}
// --8<-- [end:call]

// --8<-- [start:talk]
import { pushToTalk } from "@fastrtc/client";
import { useEffect, useRef } from "react";
import type { StreamHandle } from "@fastrtc/react";

export function TalkButton({ stream }: { stream: StreamHandle }) {
  const button = useRef<HTMLButtonElement>(null);
  const { connection } = stream;
  useEffect(() => {
    if (button.current) return pushToTalk(connection, button.current);
  }, [connection]);
  return (
    <button ref={button} disabled={stream.state !== "connected"}>
      {stream.turn.talking ? "Release to send" : "Hold to talk"}
    </button>
  );
}
// --8<-- [end:talk]

// --8<-- [start:context]
import { createContext, useContext, type ReactNode } from "react";

const Assistant = createContext<StreamHandle | null>(null);

/** One call for all pages of an application: put it above the router. */
export function AssistantProvider({ children }: { children: ReactNode }) {
  const stream = useStream({ url: "/api" });
  return <Assistant.Provider value={stream}>{children}</Assistant.Provider>;
}

export function useAssistant(): StreamHandle {
  const stream = useContext(Assistant);
  if (!stream) throw new Error("useAssistant is used outside of AssistantProvider");
  return stream;
}
// --8<-- [end:context]

// --8<-- [start:level]
import { useLevel } from "@fastrtc/react";

export function Speaking({ stream }: { stream: StreamHandle }) {
  const level = useLevel(stream, "remote");
  return <span>{level > -40 ? "speaking" : "silent"}</span>;
}
// --8<-- [end:level]
