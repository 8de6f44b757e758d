const WIDTH = 30;

/** A progress bar on stderr; silent where stderr is no terminal. */
export function progressBar(unit: string): {
  update: (done: number, total: number) => void;
  end: () => void;
} {
  const shown = Boolean(process.stderr.isTTY);
  return {
    update(done, total) {
      if (!shown) return;
      const filled = Math.round((WIDTH * done) / Math.max(total, 1));
      process.stderr.write(`\r${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${done}/${total} ${unit} `);
    },
    end() {
      if (shown) process.stderr.write('\r\u001b[K');
    },
  };
}
