import { expect, it } from 'vitest';
import { WebsocketClient } from '../../../src/entry/node.js';

it('any number of clients may listen to one AbortSignal without a leak warning', async () => {
  const warnings: string[] = [];
  const listen = ({ name }: Error) => warnings.push(name);
  process.on('warning', listen);
  const controller = new AbortController();
  const clients = Array.from({ length: 30 }, () => new WebsocketClient('127.0.0.1:1', { signal: controller.signal }));
  const connecting = clients.map((client) => client.connect());
  controller.abort();
  await Promise.allSettled(connecting);
  await new Promise(setImmediate);
  process.off('warning', listen);
  expect(warnings).toEqual([]);
});
