import { describe, expect, test } from '@jest/globals';
import type { AgentSettings } from '@acrouter/config/agent-entry';
import { agentFailure } from './agent-failure';
import { agentArgs, readAgentOutput } from './agent-profiles';

const settings = (kind: AgentSettings['kind'], more: Partial<AgentSettings> = {}): AgentSettings => ({
  kind,
  command: kind,
  args: [],
  model: null,
  env: [],
  home: 'private',
  perCallUsd: null,
  pricedByTokens: false,
  ...more,
});
const call = { promptFile: '/p', edits: ['src/a.ts', 'b c.py'], maxCallUsd: 1.5 };
const lines = (...events: unknown[]) => events.map((e) => JSON.stringify(e)).join('\n');

describe('arguments', () => {
  test.each([
    [
      'claude',
      '-p --output-format json --permission-mode acceptEdits --max-budget-usd 1.5 --model m --max-turns 9',
    ],
    [
      'codex',
      'exec --json --sandbox workspace-write --skip-git-repo-check --ephemeral --model m --max-turns 9 -',
    ],
    ['opencode', 'run --format json --model m --max-turns 9'],
  ] as const)('of %s', (kind, expected) => {
    const args = agentArgs(settings(kind, { model: 'm', args: ['--max-turns', '9'] }), call);
    expect(args.join(' ')).toBe(expected);
  });

  test('a model and a budget that are not given are not passed', () => {
    expect(agentArgs(settings('claude'), { ...call, maxCallUsd: null }).join(' ')).not.toMatch(
      /--model|--max-budget/,
    );
  });

  test('of aider name the prompt file and the files to change', () => {
    const args = agentArgs(settings('aider'), call);
    expect(args.slice(0, 2)).toEqual(['--message-file', '/p']);
    expect(args.slice(-4)).toEqual(['--file', 'src/a.ts', '--file', 'b c.py']);
  });

  test('of another program are its own, with the prompt file and the model filled in', () => {
    const agent = settings('custom', { model: 'm', args: ['--in={prompt_file}', '{model}'] });
    expect(agentArgs(agent, call)).toEqual(['--in=/p', 'm']);
  });
});

describe('output', () => {
  test('of claude: cost, tokens with the cache counted once, text', () => {
    const usage = {
      input_tokens: 10,
      cache_creation_input_tokens: 20,
      cache_read_input_tokens: 300,
      output_tokens: 7,
    };
    const said = {
      type: 'result',
      subtype: 'success',
      is_error: false,
      result: 'done',
      total_cost_usd: 0.12,
      usage,
    };
    expect(readAgentOutput('claude', JSON.stringify({ ...said, modelUsage: { 'claude-x': {} } }))).toEqual({
      text: 'done',
      usage: { inputTokens: 330, outputTokens: 7, cachedInputTokens: 300, reasoningTokens: 0 },
      costUsd: 0.12,
      model: 'claude-x',
      limited: false,
      error: null,
    });
  });

  test('of claude at its own limit is an answer, with an error is none', () => {
    const at = (subtype: string) =>
      readAgentOutput('claude', lines({ type: 'result', subtype, is_error: true, result: 'why' }));
    expect(at('error_max_turns')).toMatchObject({ limited: true, error: null, costUsd: null, usage: null });
    expect(at('success')).toMatchObject({ limited: false, error: 'why' });
  });

  test('of codex: the last message; cached input is part of the input', () => {
    const said = lines(
      { type: 'thread.started', thread_id: 'x' },
      { type: 'error', message: 'Reconnecting... 1/5' },
      { type: 'item.completed', item: { type: 'agent_message', text: 'first' } },
      { type: 'item.completed', item: { type: 'agent_message', text: 'last' } },
      {
        type: 'turn.completed',
        usage: { input_tokens: 100, cached_input_tokens: 60, output_tokens: 9, reasoning_output_tokens: 4 },
      },
    );
    expect(readAgentOutput('codex', `warning\n${said}\n`)).toMatchObject({
      text: 'last',
      costUsd: null,
      usage: { inputTokens: 100, cachedInputTokens: 60, outputTokens: 9, reasoningTokens: 4 },
      error: null,
    });
    const failed = lines({ type: 'turn.failed', error: { message: 'rate limit reached' } });
    expect(readAgentOutput('codex', failed).error).toBe('rate limit reached');
  });

  test('of opencode: steps add up, and a price of 0 is none', () => {
    const step = (cost: number) => ({
      type: 'step_finish',
      part: { cost, tokens: { input: 5, output: 2, reasoning: 0, cache: { read: 3, write: 1 } } },
    });
    const two = readAgentOutput(
      'opencode',
      lines(step(0.25), { type: 'text', part: { text: 'ok' } }, step(0.5)),
    );
    expect(two).toMatchObject({ text: 'ok', costUsd: 0.75, usage: { inputTokens: 18, outputTokens: 4 } });
    expect(readAgentOutput('opencode', lines(step(0))).costUsd).toBeNull();
  });

  test('of aider: the cost of the session', () => {
    const said =
      'Tokens: 2k sent, 1k received. Cost: $0.01 message, $0.01 session.\nCost: $0.02 message, $0.03 session.\n';
    expect(readAgentOutput('aider', said)).toMatchObject({ costUsd: 0.03, usage: null });
    expect(readAgentOutput('aider', 'Tokens: 2k sent.').costUsd).toBeNull();
  });

  test('of another program: text alone, or a last line that says more', () => {
    expect(readAgentOutput('custom', 'hello\n')).toMatchObject({
      text: 'hello\n',
      costUsd: null,
      usage: null,
    });
    const said = `hello\n${lines({ costUsd: 0.2, inputTokens: 3, outputTokens: 4, model: 'm' })}\n`;
    expect(readAgentOutput('custom', said)).toMatchObject({
      text: 'hello',
      costUsd: 0.2,
      usage: { inputTokens: 3, outputTokens: 4 },
      model: 'm',
    });
  });

  test.each(['claude', 'codex', 'opencode', 'aider', 'custom'] as const)(
    'of %s that is garbage or nonsense says nothing about money',
    (kind) => {
      for (const garbage of ['', '\0{', '{"type":"result"', '[1]', 'null', '{"type":"turn.completed"}'])
        expect(readAgentOutput(kind, garbage)).toMatchObject({ costUsd: null, usage: null });
      const lies = [
        { type: 'result', total_cost_usd: -1, usage: { input_tokens: 1e99, output_tokens: -3 } },
        { type: 'turn.completed', usage: { input_tokens: '5', output_tokens: 1.5 } },
        { type: 'step_finish', part: { cost: 'free', tokens: null } },
        { costUsd: Number.NaN, inputTokens: -1, outputTokens: 2 },
      ];
      for (const lie of lies)
        expect(readAgentOutput(kind, JSON.stringify(lie))).toMatchObject({ costUsd: null, usage: null });
    },
  );
});

test.each([
  ['API Error: 429 rate_limit_error, try again in 20s', 'rate-limited', true, 20_000],
  ['Claude usage limit reached', 'rate-limited', true, undefined],
  ['Invalid API key · Please run /login', 'auth', false, undefined],
  ['API Error: 529 Overloaded', 'server-error', true, undefined],
  ['stream disconnected before completion', 'connection', true, undefined],
  ['error: unexpected argument --jsno', 'refused', false, undefined],
  ['panicked at src/main.rs:1', 'broken-body', false, undefined],
])('"%s" is %s', (said, failure, retryable, retryAfterMs) => {
  expect(agentFailure(said)).toEqual({
    failure,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
});
