import type { Case } from './case.js';
import { addressCases } from './cases/address.js';
import { busCases } from './cases/bus.js';
import { closeCases } from './cases/close.js';
import { connectCases } from './cases/connect.js';
import { handlerCases } from './cases/handlers.js';
import { inboxCases } from './cases/inbox.js';
import { livenessCases } from './cases/liveness.js';
import { messageCases } from './cases/messages.js';
import { outboxCases } from './cases/outbox.js';
import { platformCases } from './cases/platform.js';
import { protocolCases } from './cases/protocols.js';
import { readerCases } from './cases/readers.js';
import { reconnectCases } from './cases/reconnect.js';
import { streamCases } from './cases/streams.js';

/** What every platform must do, against the public API only. No test framework and no platform's API in any of it. */
export const suite: readonly Case[] = [
  ...addressCases,
  ...connectCases,
  ...protocolCases,
  ...messageCases,
  ...readerCases,
  ...handlerCases,
  ...closeCases,
  ...reconnectCases,
  ...outboxCases,
  ...inboxCases,
  ...livenessCases,
  ...streamCases,
  ...busCases,
  ...platformCases,
];
