import { expect, it } from "vitest";
import { readDeclarations } from "../../reference/read.mjs";
import { render } from "../../reference/render.mjs";

const FILE = `
/** Not public. */
declare class Emitter<Events extends object> {
    #listeners;
    /** Add a listener. */
    on<Name extends keyof Events>(name: Name, listener: (detail: Events[Name]) => void): () => void;
    /** Not public. */
    protected emit(name: string): void;
}
/** The events. */
interface DoorEvents {
    /** It was opened, by a hand. */
    open: string;
}
/**
 * A door.
 *
 *     const door = new Door();
 *     door.open();
 */
declare class Door extends Emitter<DoorEvents> {
    #lock;
    private readonly hinge;
    constructor(
    /** Its color. */
    color?: string);
    /** How wide it is open; see \`Door.open\`. */
    get width(): number;
    /**
     * Open it.
     *
     * @param options.speed In m/s.
     * @returns Whether it was closed.
     * @throws Error if it is locked.
     */
    open({ speed }?: {
        speed?: number;
    }): boolean;
}
/** What it is made of. */
type Material = "wood" | "steel";
/** Its frame. */
interface Frame {
    /** Where it is. */
    place?: {
        /** The \`Material\` of the wall. */
        wall: Material;
        /** Anything else. */
        [key: string]: unknown;
    };
}
/** Knock. */
declare function knock(door: Door, times?: number): Promise<void>;
/** The door of a page. */
declare const DoorView: import("react").ForwardRefExoticComponent<DoorProps & import("react").RefAttributes<HTMLElement>>;
export { DoorView, Door, DoorEvents, Frame, Material, knock };
`;

const page = (text = FILE) =>
  render({ title: "Doors", head: "All of them." }, readDeclarations(text));

it("reads the public names and members", () => {
  const entries = readDeclarations(FILE);
  expect(entries.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
    "class Door",
    "interface DoorEvents",
    "component DoorView",
    "interface Frame",
    "type Material",
    "function knock",
  ]);
  expect(entries[0]?.members.map(({ name }) => name)).toEqual(["on", "width", "open"]);
});

it("puts the type arguments into what is inherited from a class that is not public", () => {
  const on = readDeclarations(FILE)[0]?.members[0];
  expect(on?.signatures.join()).toContain("(detail: DoorEvents[Name]) => void");
});

it("shows components as functions of their properties", () => {
  const view = readDeclarations(FILE).find(({ name }) => name === "DoorView");
  expect(view?.signatures).toEqual([
    "function DoorView(props: DoorProps & RefAttributes<HTMLElement>): ReactNode",
  ]);
});

it("names parameters that are taken apart", () => {
  const open = readDeclarations(FILE)[0]?.members.find(({ name }) => name === "open");
  expect(open?.signatures).toEqual(["open(options?: { speed?: number }): boolean"]);
  expect(open?.doc).toEqual({
    text: "Open it.",
    params: [{ name: "options.speed", text: "In m/s." }],
    returns: "Whether it was closed.",
    throws: ["Error if it is locked."],
  });
});

it.each([
  ["/** Knock. */", "knock"],
  ["/** Where it is. */", "Frame.place"],
  ["/** The `Material` of the wall. */", "Frame.place.wall"],
  ["/** It was opened, by a hand. */", "DoorEvents.open"],
])("refuses names without the description %s", (description, name) => {
  expect(() => readDeclarations(FILE.replace(description, ""))).toThrow(name);
});

it("gives each name and member an anchor", () => {
  const anchors = [...page().matchAll(/(?:\{ #|id=")([\w.]+)/g)].map(([, anchor]) => anchor);
  expect(anchors).toEqual([
    "DoorView",
    "Door",
    "Door.on",
    "Door.width",
    "Door.open",
    "knock",
    "DoorEvents",
    "DoorEvents.open",
    "Frame",
    "Frame.place",
    "Frame.place.wall",
    "Frame.place.key",
    "Material",
  ]);
});

it("links names in signatures and in descriptions", () => {
  expect(page()).toContain(
    '<span class="n">door</span><span class="p">&#58;</span> <a class="n" href="#Door">',
  );
  expect(page()).toContain("The [`Material`](#Material) of the wall.");
  expect(page()).toContain("see [`Door.open`](#Door.open).");
});

it("shows examples as code", () => {
  expect(page()).toMatch(/<pre><code>.*const<\/span> .*\n.*open.*<\/code><\/pre>/);
});
