import { QUEUE_NAMES } from '@acrouter/contracts/catalogue';
import { AcrError } from '@acrouter/domain/errors';
import { ClientProxy } from '@nestjs/microservices';
import type { ReadPacket } from '@nestjs/microservices';
import { throwError } from 'rxjs';
import type { Observable } from 'rxjs';
import type { QueuePublisher } from './publisher';

/** Nest's client on our queues: `client.emit('verify', { taskId, attempt })`. Same checks as `QueuePublisher`. */
export class BullmqClient extends ClientProxy {
  constructor(private readonly publisher: QueuePublisher) {
    super();
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing to do: the opener of the connection closes it. */
  close(): void {}

  unwrap<T>(): T {
    return this.publisher as T;
  }

  /**
   * Refused: a task takes minutes and crosses five services that restart independently, so nobody waits for a
   * reply on a connection. A result is the next event, and its facts are in Postgres.
   */
  override send<TResult = never>(): Observable<TResult> {
    return throwError(
      () =>
        new AcrError(
          'ACR_INTERNAL',
          'Services here are event-driven: use emit(), and handle the event that follows. There is no reply to wait for.',
        ),
    );
  }

  protected publish(): () => void {
    throw new AcrError('ACR_INTERNAL', 'Services here are event-driven: use emit()');
  }

  protected async dispatchEvent<T = unknown>(packet: ReadPacket): Promise<T> {
    const queue = QUEUE_NAMES.find((name) => name === packet.pattern);
    if (!queue) throw new AcrError('ACR_INVALID_MESSAGE', `There is no queue "${String(packet.pattern)}"`);
    await this.publisher.publish(queue, packet.data);
    return undefined as T;
  }
}
