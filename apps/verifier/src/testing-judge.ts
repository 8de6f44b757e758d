import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a stand-in model is asked. */
export interface Asked {
  system: string;
  prompt: string;
}

/** How it replies: a text, an HTTP status that refuses, a text without usage, or nothing at all. */
export type Answer = { text: string } | { status: number } | { text: string; usage: null } | { hang: true };

/** An OpenAI-compatible server whose replies a test decides; keeps what it was asked. */
export class StandInJudge {
  readonly asked: Asked[] = [];
  reply: (asked: Asked) => Answer = grading(8);

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const { messages } = JSON.parse(body) as { messages: { role: string; content: string }[] };
        const of = (role: string) => messages.find((m) => m.role === role)?.content ?? '';
        const asked = { system: of('system'), prompt: of('user') };
        this.asked.push(asked);
        const answer = this.reply(asked);
        if ('hang' in answer) return;
        const [status, reply] =
          'status' in answer ? [answer.status, { error: { message: 'no' } }] : [200, completion(answer)];
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
      });
    });
  }

  static async start(): Promise<StandInJudge> {
    const judge = new StandInJudge(createServer());
    await new Promise<void>((done) => judge.server.listen(0, '127.0.0.1', done));
    return judge;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(() => done()));
  }
}

function completion(answer: { text: string; usage?: null }) {
  const usage =
    answer.usage === null ? undefined : { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 };
  const message = { role: 'assistant', content: answer.text };
  return {
    id: 'x',
    object: 'chat.completion',
    created: 1,
    model: 'j',
    usage,
    choices: [{ index: 0, finish_reason: 'stop', message }],
  };
}

/** The password that a judge is told to repeat. */
export const passwordIn = ({ system }: Asked): string => /"password": "(\w+)"/.exec(system)?.[1] ?? '';

/** A judge that gives these points for everything. */
export const grading =
  (points: number) =>
  (asked: Asked): Answer => ({
    text: JSON.stringify({
      password: passwordIn(asked),
      correctness: points,
      completeness: points,
      quality: points,
      manipulation: false,
      reason: 'as it is',
    }),
  });
