import { expect, it } from "vitest";
import { readProps } from "../../view/props";

it("gives every parameter a usable value where there is none", () => {
  expect(readProps({})).toMatchObject({
    value: null,
    label: "Video stream",
    assistantName: "Assistant",
    showLabel: true,
    mode: "send-receive",
    modality: "video",
    variant: "wave",
    fullScreen: true,
    mirror: true,
    icon: null,
    visible: true,
    rtcConfiguration: null,
    server: {},
    buttonLabels: { start: "Start", stop: "Stop", waiting: "Cancel" },
  });
});

it("passes over values of a wrong type", () => {
  const props = readProps({ modality: "smell", mode: 3, label: 7, button_labels: "no", server: 1 });
  expect(props).toMatchObject({ modality: "video", mode: "send-receive", label: "Video stream" });
  expect(props.buttonLabels.start).toBe("Start");
});

it("keeps the default of a button that has no label of its own", () => {
  const { buttonLabels } = readProps({ button_labels: { start: "Talk to Ada", stop: "" } });
  expect(buttonLabels).toEqual({ start: "Talk to Ada", stop: "Stop", waiting: "Cancel" });
});

it.each([
  [300, "300px"],
  ["50vh", "50vh"],
  [null, null],
])("reads the height %j", (height, read) => {
  expect(readProps({ height }).height).toBe(read);
});

it("reads the radius of the icon in percent", () => {
  expect(readProps({ icon_radius: 20 }).iconRadius).toBe("20%");
  expect(readProps({ icon_radius: "20%" }).iconRadius).toBe("20%");
});

it("shows an icon from an address, a file of Gradio's, and the text of an SVG", () => {
  expect(readProps({ icon: "https://x.test/a.png" }).icon).toBe("https://x.test/a.png");
  expect(readProps({ icon: { path: "/tmp/a.png", url: "/file=a.png" } }).icon).toBe("/file=a.png");
  const icon = readProps({ icon: '<svg fill="#fff"></svg>' }).icon ?? "";
  expect(icon.startsWith("data:image/svg+xml,")).toBe(true);
  expect(icon).not.toMatch(/[#<]/); // in an address, both would end it or break out of it
});

it("is invisible when told so in either way", () => {
  expect(readProps({ visible: false }).visible).toBe(false);
  expect(readProps({ visible: "hidden" }).visible).toBe(false);
});

it("takes classes as a list or as a text", () => {
  expect(readProps({ elem_classes: ["a", "b c"] }).elementClasses).toEqual(["a", "b", "c"]);
  expect(readProps({ elem_classes: "a b" }).elementClasses).toEqual(["a", "b"]);
});
