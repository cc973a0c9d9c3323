// Exchanges data with a demo's program beside the connection.

// Pass on the outputs of the program, which a route of it sends as server-sent events. The browser
// repeats a request that was lost, until the connection has ended.
export function followOutputs(client, route, receive) {
  let events;
  client.on("state", ({ state, id }) => {
    events?.close();
    if (state !== "connected") return;
    events = new EventSource(`${route}?webrtc_id=${encodeURIComponent(id)}`);
    events.onmessage = ({ data }) => receive(JSON.parse(data));
  });
}

// Send the inputs of the program when it asks for them.
export function sendInputs(client, inputs) {
  client.on("send_input", () =>
    fetch("inputs", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ webrtc_id: client.id, ...inputs() }),
    }),
  );
}
