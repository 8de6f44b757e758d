/**
 * Text of a new `models.yaml` for `acr init`: valid as it stands (the simulated pool's two ends, so that
 * `acr up` works at once), with a commented example of every provider.
 */
export function templateModelsFile(): string {
  return `# The models that ACRouter may choose from. All prices in USD per million tokens.
# Keys are never written here: "apiKeyEnv" names the environment variable that holds one.
models:
  # Without a key: simulated models. They call nobody and answer the bundled example tasks only.
  - id: simulated/claude-opus-4-6
    provider: simulated
    price: { inputPerMillion: 5, outputPerMillion: 25 }
  - id: simulated/MiniMax-M2.7
    provider: simulated
    price: { inputPerMillion: 0.3, outputPerMillion: 1.2 }

  # Take the simulated ones out and any of these in; look up today's names and prices at the provider.
  # - id: gpt-5.4
  #   provider: openai                    # key: OPENAI_API_KEY unless "apiKeyEnv" says otherwise
  #   price: { inputPerMillion: 2.5, outputPerMillion: 15, cachedInputPerMillion: 0.25 }
  #   limits: { concurrency: 8, requestsPerMinute: 500, timeoutMs: 120000, maxOutputTokens: 4096 }
  # - id: claude-opus-4-6
  #   provider: anthropic                 # key: ANTHROPIC_API_KEY
  #   price: { inputPerMillion: 5, outputPerMillion: 25, cachedInputPerMillion: 0.5 }
  # - id: gemini-pro
  #   provider: google                    # key: GOOGLE_GENERATIVE_AI_API_KEY
  #   model: gemini-3-pro                 # the provider's name, where it differs from the id
  #   price: { inputPerMillion: 2, outputPerMillion: 12 }
  # - id: local-qwen
  #   provider: openai-compatible         # Ollama, vLLM, LM Studio, OpenRouter, DeepSeek, ...
  #   baseUrl: http://127.0.0.1:11434/v1
  #   model: qwen3-coder:30b
  #   apiKeyEnv: MY_SERVER_KEY            # leave out when the server wants none
  #   price: { inputPerMillion: 0, outputPerMillion: 0 }
  # - id: claude-code
  #   provider: cli                       # a coding agent on this machine; read docs/models.md first
  #   agent: claude                       # claude, codex, opencode, aider, or custom with "command"
  #   env: [ANTHROPIC_API_KEY]            # names of the variables that it may see
  #   price: { maxCallUsd: 1.5 }          # the most that one call may cost

# The model that savings are measured against. Default: the highest output price.
# strongest: claude-opus-4-6

# JSON file with mean scores per dimension and model. Default: the published table (arXiv 2606.22902, Table 10).
# priors: priors.json

# How answers are judged that have no tests; docs/verification.md. A judge's calls cost money. Default: none.
# verification:
#   judge: { model: claude-opus-4-6 }
#   consistency: { model: local-qwen, samples: 2 }
`;
}
