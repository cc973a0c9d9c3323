import { AudioLevel, Captions, StreamButton, StreamStatus, useStream } from "@fastrtc/react";
import "@fastrtc/react/styles.css";

export default function App() {
  const stream = useStream({ url: "/api", metadata: { name: "Ada" } });
  return (
    <main>
      <h1>Say something</h1>
      <StreamStatus stream={stream} />
      <AudioLevel stream={stream} side="local" />
      <AudioLevel stream={stream} side="remote" />
      <StreamButton stream={stream} />
      {stream.notice && <p role="alert">{stream.notice.sentence}</p>}
      <Captions stream={stream} />
    </main>
  );
}
