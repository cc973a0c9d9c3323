/** Render the entries of a reference as a page of the documentation, in Markdown with HTML. */

import ts from "typescript";

/** @typedef {import("./read.mjs").Doc} Doc */
/** @typedef {import("./read.mjs").Entry} Entry */

const GROUPS = [
  ["Hooks", ({ kind, name }) => kind === "function" && /^use[A-Z]/.test(name)],
  ["Components", ({ kind }) => kind === "component"],
  ["Classes", ({ kind }) => kind === "class"],
  ["Functions", ({ kind, name }) => isValue(kind) && !/^use[A-Z]/.test(name)],
  ["Types", ({ kind }) => kind === "interface" || kind === "type"],
];
const SYMBOLS = { variable: "attribute", property: "attribute" }; // as those of Python are labelled

/** Types of browsers that have a page on MDN. */
const MDN = new Set(
  `AbortSignal AudioContext HTMLElement HTMLAudioElement HTMLVideoElement MediaDevices MediaStream
   MediaStreamTrack MediaTrackConstraints RTCPeerConnection Storage WebSocket`.split(/\s+/),
);

function isValue(kind) {
  return kind === "function" || kind === "variable";
}

/**
 * Render a page.
 *
 * @param {{ title: string, head: string }} page Its heading and first paragraphs.
 * @param {Entry[]} entries
 * @param {Map<string, string>} [elsewhere] The addresses of names on other pages.
 * @returns {string}
 */
export function render({ title, head }, entries, elsewhere = new Map()) {
  const links = new Map(elsewhere);
  for (const name of MDN) links.set(name, `https://developer.mozilla.org/docs/Web/API/${name}`);
  for (const entry of entries) {
    links.set(entry.name, `#${entry.name}`);
    for (const { name } of entry.members)
      links.set(`${entry.name}.${name}`, `#${entry.name}.${name}`);
  }
  const pen = new Pen(links);
  const groups = GROUPS.map(([name, belongs]) => [name, entries.filter(belongs)]).filter(
    ([, members]) => members.length,
  );
  const index = groups.map(
    ([name, members]) =>
      `- ${name}: ${members.map((entry) => `[\`${entry.name}\`](#${entry.name})`).join(", ")}\n`,
  );
  return [
    "---\nsearch:\n  boost: 0.5\n---\n\n",
    "<!-- Written by frontend/reference.mjs: do not edit. -->\n\n",
    `# ${title}\n\n${head}\n\n${index.join("")}`,
    ...groups.flatMap(([, members]) => members.map((entry) => pen.entry(entry))),
  ].join("");
}

class Pen {
  #links;
  /** The public name whose entry is being written. */
  #owner = "";

  /** @param {Map<string, string>} links The addresses of names. */
  constructor(links) {
    this.#links = links;
  }

  /** Render a public name, below a heading of the second level. */
  entry(entry) {
    this.#owner = entry.name;
    const isClass = entry.kind === "class";
    const inside = isClass
      ? entry.members.map((member) => this.#member(member, entry.name)).join("")
      : this.#fields(entry.members, entry.name, "");
    return this.#object(entry, "##", entry.name, inside && children(inside, isClass));
  }

  #member(entry, owner) {
    const fields = this.#fields(entry.members, `${owner}.${entry.name}`, "");
    return this.#object(entry, "###", `${owner}.${entry.name}`, fields);
  }

  #object({ name, kind, signatures, doc }, level, id, inside) {
    const symbol = SYMBOLS[kind] ?? kind;
    return [
      `\n<div class="doc doc-object doc-${symbol}" markdown>\n\n`,
      `${level} <code class="doc-symbol doc-symbol-heading doc-symbol-${symbol}"></code> ${name}`,
      ` { #${id} .doc .doc-heading }\n\n`,
      `${this.#code(signatures.join("\n"))}\n\n`,
      `<div class="doc doc-contents" markdown>\n\n${this.#doc(doc)}\n\n${inside}</div>\n\n</div>\n`,
    ].join("");
  }

  /** Render the fields of an object type as a list of definitions. */
  #fields(members, owner, indent) {
    return members
      .map(({ name, signatures, doc, members: nested }) => {
        const id = `${owner}.${name.replace(/^\[(\w+).*/, "$1")}`;
        const lines = this.#doc(doc).split("\n");
        const text = lines.map((line) => (line ? `${indent}    ${line}` : "")).join("\n");
        const inner = nested.length ? `\n${this.#fields(nested, id, `${indent}    `)}` : "";
        const code = signatures.map((one) => this.#field(one, name, id)).join("<br>");
        return (
          `${indent}<code id="${id}" class="doc-field highlight">${code}</code>\n` +
          `${indent}:   ${text.trimStart()}\n${inner}\n`
        );
      })
      .join("");
  }

  /** Return the signature of a field, whose name is a link to itself. */
  #field(signature, name, id) {
    const start = signature.indexOf(name);
    const link = `<a class="doc-name" href="#${id}">${escape(name)}</a>`;
    const rest = this.#spans(signature.slice(start + name.length));
    return this.#spans(signature.slice(0, start)) + link + rest;
  }

  /** @param {Doc} doc */
  #doc({ text, params, returns, throws }) {
    const row = (name, what) => `- ${name}: ${this.#prose(what).replace(/\n/g, " ")}`;
    const list = (title, rows) => (rows.length ? [`**${title}**\n\n${rows.join("\n")}`] : []);
    return [
      this.#prose(text),
      ...list(
        "Parameters",
        params.map(({ name, text: what }) => row(`\`${name}\``, what)),
      ),
      ...(returns ? [`**Returns:** ${this.#prose(returns)}`] : []),
      ...throws.map((what) => `**Throws:** ${this.#prose(what)}`),
    ].join("\n\n");
  }

  /** Link names in code to their entries, and highlight indented code. */
  #prose(text) {
    return text
      .replace(/\{@link ([\w.]+)\}/g, "`$1`")
      .split("\n\n")
      .map((part) => (/^ {4}/.test(part) ? this.#code(part.replace(/^ {4}/gm, "")) : part))
      .join("\n\n")
      .replace(/(?<!\[)`([\w.]+)(\(\))?`/g, (code, name) => {
        const link = this.#links.get(name) ?? this.#links.get(`${this.#owner}.${name}`);
        return link ? `[${code}](${link})` : code;
      });
  }

  /** Return a block of highlighted code. */
  #code(text) {
    const lines = this.#spans(text).replace(/\n\n+/g, "\n");
    return `<div class="doc-declaration highlight"><pre><code>${lines}</code></pre></div>`;
  }

  /** Return highlighted code, in which public names are links. */
  #spans(text) {
    const scanner = ts.createScanner(ts.ScriptTarget.ES2022, false, undefined, text);
    const runs = [];
    for (;;) {
      const kind = scanner.scan();
      if (kind === ts.SyntaxKind.EndOfFileToken) break;
      const run = { style: styleOf(kind), text: scanner.getTokenText() };
      const last = runs.at(-1);
      if (last?.style === "p" && run.style === "p") last.text += run.text;
      else runs.push(run);
    }
    return runs.map((run) => this.#span(run)).join("");
  }

  #span({ style, text }) {
    const shown = escape(text);
    const link = style === "n" && text !== this.#owner && this.#links.get(text);
    if (link) return `<a class="n" href="${asAddress(link)}">${shown}</a>`;
    return style ? `<span class="${style}">${shown}</span>` : shown;
  }
}

/** Return the address in the site of a link between the Markdown files. */
function asAddress(link) {
  return link.replace(/^(\w+)\.md#/, "../$1/#");
}

/** Enclose the members; those of a class stand apart, as those of Python do. */
function children(inside, apart) {
  return apart ? `<div class="doc doc-children" markdown>\n${inside}\n</div>\n\n` : `${inside}\n`;
}

/** Return the class of Pygments for a kind of token. */
function styleOf(kind) {
  const { SyntaxKind } = ts;
  if (kind >= SyntaxKind.FirstKeyword && kind <= SyntaxKind.LastKeyword) return "k";
  if (kind === SyntaxKind.StringLiteral) return "s2";
  if (kind === SyntaxKind.NumericLiteral) return "mi";
  if (kind === SyntaxKind.SingleLineCommentTrivia) return "c1";
  if (kind === SyntaxKind.Identifier) return "n";
  return kind >= SyntaxKind.FirstPunctuation && kind <= SyntaxKind.LastPunctuation ? "p" : "";
}

/** Escape what means something in HTML or in Markdown. */
function escape(text) {
  return text.replace(/[^\w\s.,;(){}=/?-]|_/g, (character) => `&#${character.codePointAt(0)};`);
}
