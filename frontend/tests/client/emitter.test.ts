import { expect, it } from "vitest";
import { Emitter } from "../../client/emitter";

class Bell extends Emitter<{ ring: number; stop: undefined }> {
  ring(times: number): void {
    this.emit("ring", times);
  }
}

it("calls the listeners of an event, in their order, until they are taken away", () => {
  const bell = new Bell();
  const heard: string[] = [];
  const first = (times: number) => heard.push(`first ${times}`);
  bell.on("ring", first);
  const off = bell.on("ring", (times) => heard.push(`second ${times}`));
  bell.ring(1);
  off();
  bell.ring(2);
  bell.off("ring", first);
  bell.ring(3);
  expect(heard).toEqual(["first 1", "second 1", "first 2"]);
});

it("lets a listener take itself away while it is called", () => {
  const bell = new Bell();
  const heard: number[] = [];
  const off = bell.on("ring", (times) => {
    heard.push(times);
    off();
  });
  bell.on("ring", (times) => heard.push(times * 10));
  bell.ring(1);
  bell.ring(2);
  expect(heard).toEqual([1, 10, 20]);
});
