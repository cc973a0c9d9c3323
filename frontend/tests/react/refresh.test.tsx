// @vitest-environment happy-dom
import "./refresh_hook";
import { act, useEffect } from "react";
import { performReactRefresh, register } from "react-refresh/runtime";
import { expect, it } from "vitest";
import { useStream, type StreamHandle } from "@fastrtc/react";
import { FakePeer, getUserMedia } from "../client/browser_double";
import { connect, prepare, render, settle, signalling } from "./render";

prepare();

it("survives Fast Refresh, which runs all effects again", async () => {
  let stream = {} as StreamHandle;
  let effects = 0;
  /** A version of a component, as a bundler sends it when its file was edited. */
  function version(text: string) {
    function Page() {
      stream = useStream({ signalling });
      useEffect(() => {
        effects++;
      }, []);
      return text;
    }
    register(Page, "Page");
    return Page;
  }
  const Page = version("before");
  const { element } = await render(<Page />);
  await connect(stream);
  const { connection } = stream;
  const before = effects;

  version("after");
  await act(async () => {
    performReactRefresh();
    await Promise.resolve();
  });
  await settle();
  expect(element.textContent).toBe("after");
  expect(effects).toBeGreaterThan(before);
  expect(stream.connection).toBe(connection);
  expect(stream.state).toBe("connected");
  expect(getUserMedia).toHaveBeenCalledOnce();
  expect(FakePeer.all).toHaveLength(1);
});
