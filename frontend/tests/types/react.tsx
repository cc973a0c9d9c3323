// Compiled with the declarations of the packages: what is wrong must be an error.
import { FastRTCError, type ConnectionState, type Transcript } from "@fastrtc/client";
import {
  AudioLevel,
  StreamButton,
  useLevel,
  useStream,
  VideoView,
  type StreamHandle,
} from "@fastrtc/react";

export function Call() {
  const stream: StreamHandle = useStream({
    url: "http://localhost:8000",
    modality: "audio-video",
    play: false,
    methods: { add: ({ a, b }: { a: number; b: number }) => a + b },
    onMessage: ({ type, data }) => [type, data],
  });
  const level: number = useLevel(stream, "local");
  // @ts-expect-error: there are two sides
  useLevel(stream, "server");
  // @ts-expect-error: there is no such option
  useStream({ uri: "/api" });

  const state: ConnectionState = stream.state;
  const said: readonly Transcript[] = stream.transcript;
  const failed = stream.error instanceof FastRTCError ? stream.error.code : null;
  // @ts-expect-error: the error may be null
  void stream.error.code;
  // @ts-expect-error: the lists cannot be changed
  stream.messages.push({ type: "mine" });
  // @ts-expect-error: the id is a string
  void stream.devices.setMicrophone(0);
  return (
    <main data-state={state} title={failed ?? undefined}>
      <StreamButton stream={stream} className="big" />
      <AudioLevel stream={stream} side="local" />
      <VideoView stream={stream} side="remote" />
      {/* @ts-expect-error: the stream is missing */}
      <StreamButton />
      {/* @ts-expect-error: there are two sides */}
      <VideoView stream={stream} side="both" />
      {said.map(({ key, text }) => (
        <p key={key} style={{ opacity: level }}>
          {text}
        </p>
      ))}
    </main>
  );
}
