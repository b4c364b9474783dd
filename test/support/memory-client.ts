import { RequestBus } from '../../src/bus/request-bus.js';
import { Client } from '../../src/core/client.js';
import { clientParts } from '../../src/core/client-parts.js';
import type { ClientOptions } from '../../src/core/options.js';
import type { Address, IWebsocketClient, WebsocketType } from '../../src/core/types.js';
import { MemoryPlatform } from './memory-platform.js';
import type { MemoryTransport } from './memory-transport.js';

export interface MemoryClientOptions extends ClientOptions {
  readonly address?: Address;
  readonly type?: WebsocketType;
  /** The setting of a client on the bus: a failed first attempt is retried. */
  readonly retryFirstAttempt?: boolean;
  readonly onFinished?: (client: IWebsocketClient) => void;
}

/** The real client over transports in memory. */
export function memoryClient(platform: MemoryPlatform, options: MemoryClientOptions = {}): Client {
  const { address = 'wss://example.com/game', type = 'secure', retryFirstAttempt = false, onFinished, ...rest } = options;
  const parts = clientParts(platform, address, type, rest, retryFirstAttempt);
  return new Client(onFinished === undefined ? parts : { ...parts, onFinished });
}

/** A connected client and its transport. */
export async function openClient(
  platform: MemoryPlatform,
  options?: MemoryClientOptions,
): Promise<{ client: Client; transport: MemoryTransport }> {
  const client = memoryClient(platform, options);
  const connected = client.connect();
  const transport = platform.transport.accept();
  await connected;
  return { client, transport };
}

/** Everything that a client reports, one line each, in order. */
export function record(client: Client, { withMessages = true } = {}): string[] {
  const lines: string[] = [];
  client.on('state', (now, before) => lines.push(`state ${before} -> ${now}`));
  client.on('open', () => lines.push('open'));
  client.on('reconnecting', ({ attempt }) => lines.push(`reconnecting ${attempt}`));
  client.on('reconnected', () => lines.push('reconnected'));
  client.on('error', (error) => lines.push(`error ${error.code}`));
  client.on('close', ({ code, reason, wasClean }) => lines.push(`close ${code} ${reason}${wasClean ? '' : ' (unclean)'}`));
  if (withMessages) client.on('message', (message) => lines.push(`message ${String(message)}`));
  return lines;
}

/** The real bus over transports in memory that open by themselves. */
export function memoryBus(): { platform: MemoryPlatform; bus: RequestBus } {
  const platform = new MemoryPlatform({ answer: (transport) => transport.accept() });
  const bus = new RequestBus((...asked) => clientParts(platform, ...asked), platform.report);
  return { platform, bus };
}
