import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server does with src/m<n>.js; the strong model is right more often. */
export type Kind = 'right' | 'wrong' | 'broken' | 'none' | 'clash';

/** Two of the files may not both be changed: each alone is green, together they are red. */
export const CLASH = [40, 41];

/** By file: what `cheap` and `strong` answer. */
export function kindOf(model: string, n: number): Kind {
  if (CLASH.includes(n)) return 'clash';
  if (n % 10 === 3) return 'wrong';
  if (n % 10 === 5) return 'broken';
  if (n === 7 || n === 17) return 'none';
  return model === 'cheap' && n % 6 === 1 ? 'wrong' : 'right';
}

/** The text of a module before and after the refactor. */
export const before = (n: number): string =>
  `'use strict';\n\nfunction value() {\n  return ${n};\n}\n\nmodule.exports = { value };\n`;
export const after = (n: number): string =>
  before(n).replace('function value() {\n  return', 'const value = () => {\n  return');

/** An OpenAI-compatible server that answers refactor prompts right, wrong, with broken diffs, and not at all. */
export class RefactorServer {
  /** Prompts answered, as `model path`. */
  readonly asked: string[] = [];
  private readonly server: Server;

  private constructor(private readonly delayMs: number) {
    this.server = createServer((req, res) => {
      let body = '';
      req.on('data', (chunk: Buffer) => (body += chunk.toString()));
      req.on('end', () => {
        const { model, messages } = JSON.parse(body) as { model: string; messages: { content: unknown }[] };
        const path = /Files to change:\\n\\n(src\/m(\d+)\.js)/.exec(JSON.stringify(messages));
        const n = Number(path?.[2]);
        this.asked.push(`${model} ${path?.[1]}`);
        // Told why an answer failed, a model that was wrong gets it right.
        const told = body.includes('An earlier answer failed');
        const kind = told && kindOf(model, n) === 'wrong' ? 'right' : kindOf(model, n);
        const json = { 'content-type': 'application/json' };
        setTimeout(() => {
          if (kind === 'none')
            return res.writeHead(400, json).end('{"error":{"message":"no answer to that"}}');
          const usage = { prompt_tokens: 300, completion_tokens: 60, total_tokens: 360 };
          const message = { role: 'assistant', content: answerOf(kind, n) };
          const choices = [{ index: 0, finish_reason: 'stop', message }];
          res.writeHead(200, json);
          res.end(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model, usage, choices }));
        }, this.delayMs);
      });
    });
  }

  static async start(delayMs: number): Promise<RefactorServer> {
    const server = new RefactorServer(delayMs);
    await new Promise<void>((done) => server.server.listen(0, '127.0.0.1', done));
    return server;
  }

  modelsYaml(): string {
    const baseUrl = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
    const model = (id: string, input: number) =>
      `  - { id: ${id}, provider: openai-compatible, baseUrl: "${baseUrl}", price: { inputPerMillion: ${input}, outputPerMillion: ${4 * input} }, limits: { timeoutMs: 5000 } }\n`;
    return `models:\n${model('cheap', 1)}${model('strong', 5)}strongest: strong\n`;
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(() => done()));
  }
}

function answerOf(kind: Kind, n: number): string {
  const diff = (from: string, to: string) =>
    `\`\`\`diff\n--- a/src/m${n}.js\n+++ b/src/m${n}.js\n@@ -1,5 +1,5 @@\n 'use strict';\n \n-${from}\n+${to}\n   return ${n};\n }\n\`\`\``;
  if (kind === 'wrong') return `\`\`\`js\n${after(n).replace(`return ${n}`, `return ${n + 1}`)}\`\`\``;
  if (kind === 'broken') return diff('function other() {', 'const value = () => {');
  if (n % 2 === 0) return `\`\`\`js\n${after(n)}\`\`\``;
  return `Here you are:\n\n${diff('function value() {', 'const value = () => {')}`;
}
