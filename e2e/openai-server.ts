import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Ways in which a provider can fail; the server goes through those it is given in turn. */
export type Fault = '429' | '500' | 'hang' | 'garbage' | 'reset';

/**
 * A local OpenAI-compatible server. It answers prompts "Write a function add_<n> …" for two models: `right`
 * always answers right, `wrong` answers wrong for odd n. Prompts "Explain term_<n> …" it answers with a sentence, right
 * or wrong by the same rule, and as the model `judge` it grades such sentences. It counts what it served, which is
 * what the ledger of the product is compared with.
 */
export class OpenAiServer {
  calls = 0;
  answered = 0;
  faults = 0;
  /** Grades given. */
  judged = 0;
  private readonly server: Server;

  private constructor(
    private readonly faultEvery: number,
    private readonly kinds: readonly Fault[],
    private readonly delayMs: number,
  ) {
    this.server = createServer((req, res) => {
      let body = '';
      req.on('data', (chunk: Buffer) => (body += chunk.toString()));
      req.on('end', () => this.answer(body, res));
    });
  }

  static async start(
    options: { faultEvery?: number; faults?: readonly Fault[]; delayMs?: number } = {},
  ): Promise<OpenAiServer> {
    const server = new OpenAiServer(options.faultEvery ?? 0, options.faults ?? [], options.delayMs ?? 0);
    await new Promise<void>((done) => server.server.listen(0, '127.0.0.1', done));
    return server;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  /** A pool of the two models, `wrong` being the cheap one. */
  modelsYaml(timeoutMs = 2_000): string {
    const model = (id: string, input: number, output: number) =>
      `  - { id: ${id}, provider: openai-compatible, baseUrl: "${this.baseUrl}", price: { inputPerMillion: ${input}, outputPerMillion: ${output} }, limits: { timeoutMs: ${timeoutMs} } }\n`;
    return `models:\n${model('wrong', 1, 2)}${model('right', 5, 25)}strongest: right\n`;
  }

  /** The same pool with a third model, which grades answers. It may be chosen to answer too, and answers right. */
  withJudge(modelsYaml: string): string {
    const judge = `  - { id: judge, provider: openai-compatible, baseUrl: "${this.baseUrl}", price: { inputPerMillion: 10, outputPerMillion: 100 } }\n`;
    return `${modelsYaml.replace(/^(?=strongest:)/m, judge)}verification: { judge: { model: judge } }\n`;
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(() => done()));
  }

  private answer(raw: string, res: ServerResponse): void {
    this.calls++;
    const fault =
      this.faultEvery > 0 && this.calls % this.faultEvery === 0
        ? this.kinds[this.faults++ % this.kinds.length]
        : undefined;
    if (fault) return fail(fault, res);
    const { model, messages } = JSON.parse(raw) as { model: string; messages: { content: unknown }[] };
    const text = JSON.stringify(messages);
    const password = /\\"password\\": \\"(\w+)/.exec(text)?.[1];
    if (password) this.judged++;
    const content = password ? grade(text, password) : replyOf(model, text);
    const usage = { prompt_tokens: 50, completion_tokens: 20, total_tokens: 70 };
    const choices = [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }];
    setTimeout(() => {
      this.answered++;
      send(res, 200, { id: `c${this.calls}`, object: 'chat.completion', created: 1, model, usage, choices });
    }, this.delayMs);
  }
}

function replyOf(model: string, text: string): string {
  const n = Number(/(?:add|term)_(\d+)/.exec(text)?.[1] ?? 0);
  const fails = model === 'wrong' && n % 2 === 1;
  if (text.includes('term_')) return `term_${n} is ${fails ? 'wrongly' : 'rightly'} explained here.`;
  return `\`\`\`python\ndef add_${n}(x):\n    return x + ${fails ? n + 1 : n}\n\`\`\``;
}

/** Nine points for a sentence that is right, two for one that is wrong. */
function grade(text: string, password: string): string {
  const points = text.includes('rightly') ? 9 : 2;
  const rubric = { correctness: points, completeness: points, quality: points };
  return `My grade:\n${JSON.stringify({ password, ...rubric, manipulation: false, reason: 'by its sentence' })}`;
}

/** Task lines for `count` questions that only a judge can settle. */
export function termTasks(count: number): string {
  const lines = Array.from({ length: count }, (_, n) =>
    JSON.stringify({
      id: `term-${n}`,
      prompt: `Explain term_${n} in one sentence.`,
      dimension: 'code_understanding',
    }),
  );
  return `${lines.join('\n')}\n`;
}

/** Task lines for `count` tasks that the server can answer. */
export function addTasks(count: number): string {
  const lines = Array.from({ length: count }, (_, n) =>
    JSON.stringify({
      id: `add-${n}`,
      prompt: `Write a function add_${n} that takes a number and returns it plus ${n}.`,
      language: 'python',
      dimension: 'code_generation',
      verification: { tests: `assert add_${n}(1) == ${n + 1}` },
    }),
  );
  return `${lines.join('\n')}\n`;
}

function send(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(JSON.stringify(body));
}

function fail(kind: Fault, res: ServerResponse): void {
  if (kind === 'hang') return;
  if (kind === 'reset') return void res.socket?.destroy();
  if (kind === 'garbage') {
    res.writeHead(200, { 'content-type': 'application/json' });
    return void res.end('{"choices":[{"mess');
  }
  send(
    res,
    Number(kind),
    { error: { message: `injected ${kind}` } },
    kind === '429' ? { 'retry-after': '1' } : {},
  );
}
