#!/usr/bin/env bash
# Entry point of action.yml: submits, waits, reports, and ends with the exit code of the waiting.
set -euo pipefail

acr() { node "$GITHUB_ACTION_PATH/apps/cli/bin/acr.mjs" "$@"; }

limits=()
if [ -n "${INPUT_MAX_COST_USD:-}" ]; then limits+=(--max-cost-usd "$INPUT_MAX_COST_USD"); fi
if [ -n "${INPUT_MAX_ATTEMPTS:-}" ]; then limits+=(--max-attempts "$INPUT_MAX_ATTEMPTS"); fi

acr ci submit "$INPUT_TASKS" --format "${INPUT_FORMAT:-acr}" ${limits[@]+"${limits[@]}"}

code=0
acr ci wait --timeout "${INPUT_TIMEOUT:-30m}" || code=$?
echo "exit-code=$code" >>"${GITHUB_OUTPUT:-/dev/null}"

# Reports that could not be written do not hide how the work went, and are not hidden where it went well.
reported=0
acr ci report --junit "${INPUT_JUNIT:-acr-junit.xml}" --sarif "${INPUT_SARIF:-acr.sarif}" \
  --summary "${INPUT_SUMMARY:-acr-summary.md}" --answers "${INPUT_ANSWERS:-acr-answers.jsonl}" || reported=$?
if [ "$code" -eq 0 ]; then code=$reported; fi
exit "$code"
