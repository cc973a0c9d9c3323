/** The script of the page: finds out about the stream, and shows the playground. */

import { Connection } from "@fastrtc/client";
import { inputsUrl, readInputRoutes, refusalText, type InputRoute } from "./inputs";
import { Playground } from "./playground";
import { commandEnded, ownTarget, readTarget, type Target } from "./target";

const own = ownTarget(new URL(location.href));
let last: Target | null = null;

/** Ask the command that serves the page; another server has no such route. */
async function ask(): Promise<Target> {
  try {
    const response = await fetch("target", { cache: "no-store" });
    const isAnswer = response.headers.get("content-type")?.startsWith("application/json") === true;
    if (response.ok && isAnswer) last = readTarget(await response.json());
    else last = last?.served ? { ...last, problem: commandEnded() } : own;
  } catch {
    last = { ...(last ?? own), problem: commandEnded() };
  }
  return last;
}

async function iceServers(token: string | null): Promise<RTCConfiguration | null> {
  if (last?.kind !== "gradio") return null;
  const headers: HeadersInit = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch("rtc_configuration", { headers, cache: "no-store" });
  return response.ok ? ((await response.json()) as RTCConfiguration | null) : null;
}

async function inputRoutes(): Promise<InputRoute[]> {
  const schema = await fetch(last?.served ? "routes" : "/openapi.json");
  return schema.ok ? readInputRoutes(await schema.json()) : [];
}

async function setInputs(route: string, body: object, token: string | null): Promise<void> {
  const url = inputsUrl(route, last?.served === true);
  const headers = new Headers({ "Content-Type": "application/json" });
  if (token) headers.set("Authorization", `Bearer ${token}`);
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(refusalText(route, response.status, await response.text()));
}

function storageOf(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null; // the browser stores nothing for this page
  }
}

const target = await ask();
const playground = new Playground(target, {
  connect: (options) => new Connection(options),
  ask,
  iceServers,
  inputRoutes,
  setInputs,
  storage: storageOf(),
});
document.title = `${target.url.replace(/^\w+:\/\//, "")} – FastRTC playground`;
document.body.replaceChildren(playground.root);
