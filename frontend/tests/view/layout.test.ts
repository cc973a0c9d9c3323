import { expect, it } from "vitest";
import { layoutOf } from "../../view/layout";

const [no, yes] = [false, true];

it.each([
  ["audio", "send-receive", yes, no, yes, null, no],
  ["audio", "send", yes, no, no, null, no],
  ["audio", "receive", no, no, yes, null, no],
  ["video", "send-receive", no, yes, no, "remote", yes],
  ["video", "send", no, yes, no, "local", no],
  ["video", "receive", no, no, no, "remote", no],
  ["audio-video", "send-receive", yes, yes, yes, "remote", yes],
  ["audio-video", "send", yes, yes, no, "local", no],
  ["audio-video", "receive", no, no, yes, "remote", no],
] as const)("has the parts of %s, %s", (modality, mode, ...parts) => {
  const [microphone, camera, speaker, picture, selfView] = parts;
  const layout = { microphone, camera, speaker, picture, selfView };
  expect(layoutOf(modality, mode)).toEqual(layout);
});
