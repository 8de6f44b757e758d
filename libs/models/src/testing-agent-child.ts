import { parseModelsFile } from '@acrouter/config/models-file';
import { createAgentClient } from './agent-client';

/** Runs the program of its first argument as an agent, for a test that kills this process meanwhile. */
const yaml = `models: [{ id: it, provider: cli, agent: custom, command: ${process.argv[2]}, price: { maxCallUsd: 1 } }]`;
const [entry] = parseModelsFile(yaml, 'models.yaml', {}).models;
if (entry?.agent)
  void createAgentClient(entry, entry.agent).complete(
    { prompt: 'x', maxOutputTokens: 1 },
    new AbortController().signal,
  );
