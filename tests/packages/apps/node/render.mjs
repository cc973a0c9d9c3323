// The packages in plain Node, where there is neither a page nor WebRTC: prints what they do as JSON.

const before = Object.getOwnPropertyNames(globalThis);
const { Connection, FastRTCError } = await import("@fastrtc/client");
const { AudioLevel, StreamButton, useStream } = await import("@fastrtc/react");
const globals = Object.getOwnPropertyNames(globalThis).filter((name) => !before.includes(name));

const { createElement } = await import("react");
const { renderToString } = await import("react-dom/server");

function Call() {
  const stream = useStream({ url: "/api" });
  return createElement(
    "main",
    null,
    createElement(StreamButton, { stream }),
    createElement(AudioLevel, { stream, side: "remote" }),
    createElement("p", null, stream.state),
  );
}

const connection = new Connection({ url: "http://127.0.0.1:9/api" });
const connected = await connection.start();
const error = connection.error instanceof FastRTCError ? connection.error.code : null;
console.log(JSON.stringify({ html: renderToString(createElement(Call)), globals, connected, error }));
