import { AcceptingConnection } from '../../src/core/accepting-connection.js';
import type { MakeChannel } from '../../src/core/channel.js';
import { Client } from '../../src/core/client.js';
import type { Settings } from '../../src/core/options.js';
import type { Platform } from '../../src/core/platform.js';
import type { AcceptedTransport } from '../../src/core/transport.js';
import type { CloseInfo } from '../../src/core/types.js';
import type { SessionClient } from '../../src/session/server-session.js';

/** A server's client without a server: the test accepts its transports. */
export class TestServerClient extends Client implements SessionClient {
  readonly #connection: AcceptingConnection;

  constructor(platform: Platform, settings: Settings, makeChannel: MakeChannel) {
    let connection: AcceptingConnection | undefined;
    super({
      platform,
      settings,
      onMessage: undefined,
      signal: undefined,
      makeConnection: (owner) => {
        connection = new AcceptingConnection(platform, settings, false, undefined, makeChannel, owner);
        return connection;
      },
    });
    this.#connection = connection as unknown as AcceptingConnection;
  }

  accept(transport: AcceptedTransport): boolean {
    const isTaken = this.#connection.accept(transport);
    if (this.state === 'idle') this.connect().catch(() => {});
    return isTaken;
  }

  closeForGood(code: number, reason: string): Promise<CloseInfo> {
    this.#connection.close(code, reason, true);
    return this.ending;
  }
}
