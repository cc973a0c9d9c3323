// @vitest-environment happy-dom
// Activity is new in React 19.
import { act, Activity, useEffect, useLayoutEffect } from "react";
import { expect, it } from "vitest";
import type { StreamHandle } from "@fastrtc/react";
import { FakePeer } from "../client/browser_double";
import { makeProbe, prepare, render, settle } from "./render";

prepare();

it.each([
  ["an effect", useEffect],
  ["a layout effect", useLayoutEffect],
])("starts again in %s when a hidden page is shown", async (_, useIt) => {
  const probe = makeProbe();
  const outcomes: Promise<boolean>[] = [];
  function Auto({ start }: Pick<StreamHandle, "start">) {
    useIt(() => {
      outcomes.push(start());
    }, [start]);
    return null;
  }
  const tree = (mode: "visible" | "hidden") => (
    <Activity mode={mode}>
      <probe.Probe>{({ start }) => <Auto start={start} />}</probe.Probe>
    </Activity>
  );
  const answer = () =>
    act(async () => {
      FakePeer.last.connect();
      await outcomes.at(-1);
    });
  const { rerender } = await render(tree("visible"));
  await settle();
  await answer();
  const { connection } = probe.stream;
  expect(connection.state).toBe("connected");
  await rerender(tree("hidden"));
  expect(connection.state).toBe("stopped");
  await rerender(tree("visible"));
  await settle();
  await answer();
  expect(await Promise.all(outcomes)).toEqual([true, true]);
  expect(probe.stream.state).toBe("connected");
});
