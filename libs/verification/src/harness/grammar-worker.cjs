'use strict';
// Parses texts with a Tree-sitter grammar, in a thread of its own: texts are hostile, and parsing takes the thread.
const { parentPort, workerData } = require('node:worker_threads');
const { Language, Parser } = require('@vscode/tree-sitter-wasm');

/** Where and what the first error below a node is. */
function firstError(root) {
  for (let node = root; ;) {
    const next = node.children.find((child) => child.hasError);
    if (next && !next.isError && !next.isMissing) {
      node = next;
      continue;
    }
    const at = next ?? node;
    const what = at.isMissing ? `${at.type} is missing` : 'not as the grammar allows';
    return `line ${at.startPosition.row + 1}: ${what}`;
  }
}

async function main({ grammar, texts }) {
  await Parser.init();
  const parser = new Parser();
  const file = require.resolve(`@vscode/tree-sitter-wasm/wasm/tree-sitter-${grammar}.wasm`);
  parser.setLanguage(await Language.load(file));
  const errors = [];
  for (const text of texts) {
    const { rootNode } = parser.parse(text);
    if (!rootNode.hasError) return { parsed: true, errors };
    errors.push(firstError(rootNode));
  }
  return { parsed: false, errors };
}

main(workerData).then((result) => parentPort.postMessage(result));
