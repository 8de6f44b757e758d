/**
 * Loaded into every service before its own code (`node --require`): when the supervisor dies, however it dies, the
 * channel to it closes and the service ends as if it had been asked to, or by force when it takes too long.
 */
const FORCE_AFTER_MS = 30_000;

if (process.connected) {
  process.once('disconnect', () => {
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => process.exit(1), FORCE_AFTER_MS).unref();
  });
  // Listening must not keep a service alive that has finished its shutdown.
  process.channel?.unref();
}
