/** Whether this process takes work: false while it starts and from the moment it is told to stop. */
export class Readiness {
  private state: 'starting' | 'ready' | 'stopping' = 'starting';

  get current(): 'starting' | 'ready' | 'stopping' {
    return this.state;
  }

  markReady(): void {
    this.state = 'ready';
  }

  markStopping(): void {
    this.state = 'stopping';
  }
}
