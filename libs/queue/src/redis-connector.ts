import StandaloneConnector from 'ioredis/built/connectors/StandaloneConnector';

/**
 * A TLS handshake that fails may say so twice: the certificate is refused here, then the server's alert arrives.
 * ioredis listens once, so that the second would end the process; here it is heard and changes nothing.
 */
export class PatientConnector extends StandaloneConnector {
  override async connect(
    ...args: Parameters<StandaloneConnector['connect']>
  ): ReturnType<StandaloneConnector['connect']> {
    const stream = await super.connect(...args);
    return stream.on('error', () => undefined);
  }
}
