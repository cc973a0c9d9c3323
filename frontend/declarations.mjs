/** Bundle the type declarations of an ES module and its imports into one file. */

import ts from "typescript";

const OPTIONS = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  types: [],
  strict: true,
  declaration: true,
  emitDeclarationOnly: true,
};

/**
 * Concatenate the declarations of a module's files. All names must differ, and imports must not
 * rename them; the compiler checks the result.
 *
 * @param {string} entry The entry file of the module.
 * @returns {string} The text of a `.d.ts` file.
 */
export function declarations(entry) {
  const program = ts.createProgram([entry], OPTIONS);
  const parts = [];
  program.emit(undefined, (_file, text, _mark, _error, sources) => {
    if (sources[0].fileName !== entry) parts.push(withoutLinks(text));
  });
  const checker = program.getTypeChecker();
  const names = checker
    .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)))
    .map((symbol) => symbol.name)
    .sort();
  const text = `${parts.join("\n")}\nexport { ${names.join(", ")} };\n`;
  complain(text);
  return text;
}

/** Remove imports and exports, which are not needed in a single file. */
function withoutLinks(text) {
  return text
    .replace(/^(import|export) (type )?({[^}]*}|\*) from .*;\n/gm, "")
    .replace(/^import .*;\n/gm, "")
    .replace(/^export {};\n/gm, "")
    .replace(/^export (declare |interface |type )/gm, "$1");
}

function complain(text) {
  const host = ts.createCompilerHost(OPTIONS);
  const { getSourceFile } = host;
  host.getSourceFile = (name, ...rest) =>
    name === "fastrtc.d.ts"
      ? ts.createSourceFile(name, text, OPTIONS.target)
      : getSourceFile(name, ...rest);
  const found = ts.getPreEmitDiagnostics(ts.createProgram(["fastrtc.d.ts"], OPTIONS, host));
  if (found.length)
    throw new Error(ts.formatDiagnostics(found, { ...host, getNewLine: () => "\n" }));
}
