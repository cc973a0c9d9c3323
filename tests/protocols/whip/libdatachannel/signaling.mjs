// WHIP and WHEP without trickled candidates.

/**
 * Send the offer of a connection, whose candidates are gathered first, and use the answer.
 *
 * The program ends with the status of the response as its output if that is a refusal.
 *
 * @returns Ends the session, and the program: with 0 if the server has ended it.
 */
export async function connect(pc, url, token, more = {}) {
  const gathered = new Promise((resolve) => {
    pc.onGatheringStateChange((state) => state === "complete" && resolve());
  });
  pc.setLocalDescription();
  await gathered;
  const headers = { "Content-Type": "application/sdp", ...more };
  if (token) headers.Authorization = `Bearer ${token}`;
  const body = pc.localDescription().sdp;
  const response = await fetch(url, { method: "POST", headers, body });
  if (response.status !== 201) {
    console.log(response.status);
    process.exit(1);
  }
  pc.setRemoteDescription(await response.text(), "answer");
  return async () => {
    const session = new URL(response.headers.get("Location"), url);
    const deleted = await fetch(session, { method: "DELETE", headers });
    pc.close();
    process.exit(deleted.ok ? 0 : 1);
  };
}
