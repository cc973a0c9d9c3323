/** Read the public names of a `.d.ts` file, with their TSDoc comments. */

import ts from "typescript";

/**
 * A TSDoc comment.
 *
 * @typedef {object} Doc
 * @property {string} text The description, in Markdown.
 * @property {{ name: string, text: string }[]} params
 * @property {string} returns
 * @property {string[]} throws
 */

/**
 * A public name, or a member of one.
 *
 * @typedef {object} Entry
 * @property {string} name
 * @property {"class" | "interface" | "type" | "function" | "component" | "variable" | "method" |
 *   "property"} kind
 * @property {string[]} signatures In TypeScript; several for overloads.
 * @property {Doc} doc
 * @property {Entry[]} members
 */

const printer = ts.createPrinter({ removeComments: true });
const HIDDEN = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
const WIDTH = 80; // characters of a line of a signature

/**
 * Read a file of declarations. Members that a class inherits from one that is not public count as
 * its own.
 *
 * @param {string} text The text of a `.d.ts` file, with an `export { ... }` of its public names.
 * @returns {Entry[]} The public names, sorted.
 * @throws {Error} If a public name or one of its members has no description.
 */
export function readDeclarations(text) {
  const file = ts.createSourceFile("index.d.ts", text, ts.ScriptTarget.ES2022, true);
  const declared = new Map();
  for (const statement of file.statements) {
    const nodes = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations
      : [statement];
    for (const node of nodes)
      declared.set(node.name?.text, [...(declared.get(node.name?.text) ?? []), node]);
  }
  const names = file.statements
    .filter(ts.isExportDeclaration)
    .flatMap(({ exportClause }) => exportClause.elements.map(({ name }) => name.text));
  const reader = new Reader(file, declared, new Set(names));
  const entries = names.sort().map((name) => reader.entry(name));
  const bare = entries.flatMap((entry) => undescribed(entry, ""));
  if (bare.length) throw new Error(`These have no description (TSDoc): ${bare.join(", ")}`);
  return entries;
}

/** Return the names of an entry and its members that have no description. */
function undescribed({ name, doc, members }, prefix) {
  const inside = members.flatMap((member) => undescribed(member, `${prefix}${name}.`));
  return doc.text ? inside : [prefix + name, ...inside];
}

class Reader {
  #file;
  #declared;
  #names;

  constructor(file, declared, names) {
    this.#file = file;
    this.#declared = declared;
    this.#names = names;
  }

  /** Return the entry of a public name. */
  entry(name) {
    const nodes = this.#declared.get(name);
    const [node] = nodes;
    const kind = kindOf(node);
    const signatures = nodes.flatMap((one) => this.#heads(one, kind));
    const members = node.members
      ? this.#members(node, new Map())
      : node.type && ts.isTypeLiteralNode(node.type)
        ? this.#members(node.type, new Map())
        : [];
    const doc = docOf(ts.isVariableDeclaration(node) ? node.parent.parent : node);
    const built = node.members?.find(ts.isConstructorDeclaration);
    if (built) doc.params.push(...this.#params(built));
    return { name, kind, signatures, doc, members };
  }

  /** Return the signatures of a public name. */
  #heads(node, kind) {
    const name = node.name.text;
    switch (kind) {
      case "function":
        return [this.#callable(`function ${name}`, node)];
      case "component":
        return [`function ${name}(props: ${this.#print(node.type.typeArguments[0])}): ReactNode`];
      case "variable":
        return [`const ${name}: ${this.#print(node.type)}`];
      case "type":
        return [
          ts.isTypeLiteralNode(node.type)
            ? `type ${name}${this.#typeParams(node)}`
            : wrapUnion(`type ${name}${this.#typeParams(node)} = `, this.#print(node.type)),
        ];
      case "interface":
        return [`interface ${name}${this.#typeParams(node)}${this.#bases(node)}`];
      default: {
        const built = node.members.filter(ts.isConstructorDeclaration).filter(isPublic);
        const head = `class ${name}${this.#typeParams(node)}${this.#bases(node)}`;
        return [head, ...built.map((one) => this.#callable(`new ${name}`, one))];
      }
    }
  }

  /** Return " extends ..." for the bases that are public, or declared elsewhere. */
  #bases(node) {
    const bases = (node.heritageClauses ?? [])
      .flatMap(({ types }) => [...types])
      .filter((base) => !this.#hidden(base))
      .map((base) => this.#print(base));
    return bases.length ? ` extends ${bases.join(", ")}` : "";
  }

  /** Whether a base is declared in the file but is not public. */
  #hidden(base) {
    const name = base.expression.getText(this.#file);
    return this.#declared.has(name) && !this.#names.has(name);
  }

  /**
   * Return the public members of a class, an interface or an object type.
   *
   * @param {Map<string, string>} given Replaces the names of type parameters.
   */
  #members(node, given) {
    const found = new Map();
    for (const clause of node.heritageClauses ?? []) {
      for (const base of clause.types.filter((one) => this.#hidden(one))) {
        const [declared] = this.#declared.get(base.expression.getText(this.#file));
        const names = (declared.typeParameters ?? []).map(({ name }) => name.text);
        const values = (base.typeArguments ?? []).map((one) => this.#print(one));
        const inherited = new Map(names.map((name, index) => [name, values[index]]));
        for (const member of this.#members(declared, inherited)) found.set(member.name, member);
      }
    }
    for (const member of node.members) {
      if (ts.isConstructorDeclaration(member) || !isPublic(member)) continue;
      const entry = this.#member(member, given);
      const before = found.get(entry.name);
      if (before && entry.kind === "method" && before.kind === "method")
        before.signatures.push(...entry.signatures);
      else if (!before || !ts.isSetAccessor(member)) found.set(entry.name, entry);
    }
    return [...found.values()];
  }

  #member(node, given) {
    const name = node.name ? node.name.getText(this.#file) : this.#key(node);
    const optional = node.questionToken ? "?" : "";
    const fixed = hasReadonly(node) || ts.isGetAccessor(node) ? "readonly " : "";
    const isStatic = ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Static ? "static " : "";
    const method = ts.isMethodDeclaration(node) || ts.isMethodSignature(node);
    const nested = node.type && ts.isTypeLiteralNode(node.type) && !method;
    const type = nested ? "object" : node.type ? this.#print(node.type) : "unknown";
    const signature = method
      ? this.#callable(isStatic + name + optional, node)
      : `${isStatic}${fixed}${name}${optional}: ${type}`;
    return {
      name,
      kind: method ? "method" : "property",
      signatures: [replaced(signature, given)],
      doc: docOf(node),
      members: nested ? this.#members(node.type, given) : [],
    };
  }

  /** Return the name of an index signature, such as `[key: string]`. */
  #key(node) {
    return `[${node.parameters.map((one) => this.#print(one)).join(", ")}]`;
  }

  /** Return the signature of a function, on several lines if it is long. */
  #callable(name, node) {
    const params = node.parameters.map((one) => this.#param(one));
    const result = node.type ? `: ${this.#print(node.type)}` : "";
    const head = name + this.#typeParams(node);
    const line = `${head}(${params.join(", ")})${result}`;
    if (line.length <= WIDTH) return line;
    return `${head}(\n${params.map((one) => `  ${one},\n`).join("")})${result}`;
  }

  #param(node) {
    const rest = node.dotDotDotToken ? "..." : "";
    const optional = node.questionToken || node.initializer ? "?" : "";
    return `${rest}${paramName(node)}${optional}: ${this.#print(node.type)}`;
  }

  /** Return the descriptions of parameters that stand at the parameters themselves. */
  #params(node) {
    const own = docOf(node).params;
    const inline = node.parameters.map((one) => ({ name: paramName(one), text: docOf(one).text }));
    return [...own, ...inline.filter(({ text }) => text)];
  }

  #typeParams(node) {
    const params = node.typeParameters?.map((one) => this.#print(one)) ?? [];
    return params.length ? `<${params.join(", ")}>` : "";
  }

  /** Return the text of a node on one line, without comments. */
  #print(node) {
    const text = printer.printNode(ts.EmitHint.Unspecified, node, this.#file);
    return text
      .replace(/\s+/g, " ")
      .replace(/; }/g, " }")
      .replace(/\bimport\("[^"]*"\)\./g, "");
  }
}

function kindOf(node) {
  if (ts.isClassDeclaration(node)) return "class";
  if (ts.isInterfaceDeclaration(node)) return "interface";
  if (ts.isTypeAliasDeclaration(node)) return "type";
  if (ts.isFunctionDeclaration(node)) return "function";
  return /^(import\("react"\)\.)?ForwardRefExoticComponent</.test(node.type.getText())
    ? "component"
    : "variable";
}

function isPublic(node) {
  const named = !node.name || !ts.isPrivateIdentifier(node.name);
  return named && !(ts.getCombinedModifierFlags(node) & HIDDEN);
}

function hasReadonly(node) {
  return (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Readonly) !== 0;
}

/** Return the name of a parameter; one that is taken apart has none of its own. */
function paramName({ name, type }) {
  if (ts.isIdentifier(name)) return name.text;
  return /Props\b/.test(type?.getText() ?? "") ? "props" : "options";
}

/** Put each member of a long union on a line of its own. */
function wrapUnion(head, type) {
  if (head.length + type.length <= WIDTH || !/^[^({]* \| /.test(type)) return head + type;
  return `${head.trimEnd()}\n  | ${type.split(" | ").join("\n  | ")}`;
}

function replaced(text, given) {
  return text.replace(/\b[A-Z]\w*\b/g, (name) => given.get(name) ?? name);
}

/** @returns {Doc} */
function docOf(node) {
  const comment = node.jsDoc?.at(-1);
  const tags = comment?.tags ?? [];
  const texts = (name) =>
    tags.filter(({ tagName }) => tagName.text === name).map((tag) => textOf(tag));
  return {
    text: comment ? textOf(comment) : "",
    params: tags
      .filter(ts.isJSDocParameterTag)
      .map((tag) => ({ name: tag.name.getText(), text: textOf(tag) })),
    returns: texts("returns").join(" "),
    throws: texts("throws"),
  };
}

function textOf({ comment }) {
  return (ts.getTextOfJSDocComment(comment) ?? "").trim();
}
