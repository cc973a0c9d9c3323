/** Bundle the type declarations of an ES module and its imports into one file. */

import path from "node:path";
import ts from "typescript";

const OPTIONS = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  jsx: ts.JsxEmit.ReactJSX,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  types: [],
  strict: true,
  skipDefaultLibCheck: true,
  declaration: true,
  emitDeclarationOnly: true,
};

/**
 * Concatenate the declarations of a module's files, as far as its exports need them. All names must
 * differ, and imports must not rename them; the compiler checks the result. Imports of other
 * packages remain.
 *
 * @param {string} entry The entry file of the module, which only exports what other files have.
 * @param {Record<string, string[]>} paths The sources of packages of this workspace.
 * @returns {string} The text of a `.d.ts` file.
 */
export function declarations(entry, paths = {}) {
  const options = { ...OPTIONS, paths };
  const program = ts.createProgram([entry], options);
  const emitted = new Map();
  program.emit(undefined, (_file, text, _mark, _error, [source]) => {
    emitted.set(path.normalize(source.fileName), text);
  });
  const links = new Links();
  const parts = new Map([[entry, ""]]);
  for (const file of parts.keys()) {
    const { text, files } = links.remove(file, emitted.get(file));
    if (file !== entry) parts.set(file, text);
    for (const one of files) {
      const found = [one, `${one}.ts`, `${one}.tsx`].find((name) => emitted.has(name));
      if (found && !parts.has(found)) parts.set(found, ""); // so the loop gets there
    }
  }
  const checker = program.getTypeChecker();
  const isOwn = (symbol) =>
    (symbol.flags & ts.SymbolFlags.Alias
      ? checker.getAliasedSymbol(symbol)
      : symbol
    ).declarations.some((one) => parts.has(path.normalize(one.getSourceFile().fileName)));
  const names = checker
    .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)))
    .filter(isOwn)
    .map((symbol) => symbol.name)
    .sort();
  const ordered = [...emitted.keys()].map((file) => parts.get(file)).filter(Boolean);
  const text = `${links}${ordered.join("\n")}\nexport { ${names.join(", ")} };\n`;
  complain(text, entry, options);
  return text;
}

/** The imports and exports of a module's files. Those of other packages are kept, once. */
class Links {
  #named = new Map();
  #others = new Set();

  /** Remove them from the declarations of a file; returns these, and the files that it needs. */
  remove(name, text) {
    const source = ts.createSourceFile(name, text, OPTIONS.target);
    const files = [];
    const kept = [];
    for (const statement of source.statements) {
      if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) {
        kept.push(statement.getFullText(source).trim());
        continue;
      }
      const from = statement.moduleSpecifier?.text;
      if (from?.startsWith(".")) files.push(path.join(path.dirname(name), from));
      else if (from && !from.endsWith(".css")) this.#keep(statement, from, source);
    }
    const own = kept.map((part) => part.replace(/^export (?=declare |interface |type )/m, ""));
    return { text: `${own.join("\n")}\n`, files };
  }

  #keep(statement, from, source) {
    const { name, namedBindings } = statement.importClause ?? {};
    if (name || !namedBindings || !ts.isNamedImports(namedBindings)) {
      this.#others.add(statement.getText(source));
      return;
    }
    const names = this.#named.get(from) ?? new Set();
    // All of them are types here, whether the source says so or not.
    for (const one of namedBindings.elements) names.add(one.getText(source).replace(/^type /, ""));
    this.#named.set(from, names);
  }

  toString() {
    const named = [...this.#named].map(
      ([from, names]) => `import { ${[...names].sort().join(", ")} } from "${from}";`,
    );
    return [...named, ...this.#others]
      .sort()
      .map((line) => `${line}\n`)
      .join("");
  }
}

/** Compile the declarations, as a file beside the entry. */
function complain(text, entry, options) {
  const name = path.join(path.dirname(entry), "declarations.d.ts");
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  const isIt = (file) => path.normalize(file) === name;
  host.fileExists = (file) => isIt(file) || fileExists(file);
  host.getSourceFile = (file, ...rest) =>
    isIt(file) ? ts.createSourceFile(file, text, options.target) : getSourceFile(file, ...rest);
  const found = ts.getPreEmitDiagnostics(ts.createProgram([name], options, host));
  if (found.length)
    throw new Error(ts.formatDiagnostics(found, { ...host, getNewLine: () => "\n" }));
}
