import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Message } from '../../src/entry/node.js';
import { type Program, start } from '../support/programs.js';
import type { FaultyProxy } from '../support/proxy.js';
import { until } from '../support/until.js';

const CUTS = Number(process.env.GEM1_CUTS ?? 30);
export const SEED = Number(process.env.GEM1_SEED ?? 1);
const here = fileURLToPath(new URL('.', import.meta.url));

/** Runs a module of the peer in Python. */
export function startPeer(python: string, module: string, ...args: (string | number)[]): Program {
  const program = `import asyncio, sys; sys.path.insert(0, sys.argv.pop(1)); from gem1_peer.${module} import main; asyncio.run(main())`;
  return start(python, ['-B', '-c', program, here, ...args.map(String), '--seed', `${SEED}`]);
}

/** Message `index` as both peers create it: its number, its length, and as many characters as that requires; odd ones are binary. */
export function messageOf(index: number, length: number): Message {
  const head = `${index}:${length}:`;
  const text = head + String.fromCharCode(97 + (index % 26)).repeat(Math.max(0, length - head.length));
  return index % 2 === 1 ? new TextEncoder().encode(text) : text;
}

/** A message of a random length; some are larger than a record. */
export function randomMessage(index: number, random: () => number): Message {
  return messageOf(index, 1 + Math.floor(random() * (random() < 0.02 ? 60_000 : 200)));
}

export function isMessage(message: Message, index: number): boolean {
  const text = asText(message);
  const isKind = (typeof message === 'string') === (index % 2 === 0);
  return isKind && text === asText(messageOf(index, Number(text.split(':')[1])));
}

export function asText(message: Message): string {
  return typeof message === 'string' ? message : new TextDecoder().decode(message);
}

/**
 * Cuts, some during the resume itself, and unresponsive networks, spread over the exchange at any speed. The last tenth and the
 * close after it are undisturbed: other tests cover those.
 */
export async function disturb(proxy: FaultyProxy, random: () => number, progress: () => number, mostCuts = CUTS): Promise<void> {
  for (let cuts = 0; cuts < mostCuts; cuts++) {
    if (random() < 0.3) await sleep(random() * 10);
    else await until(() => progress() > (0.85 * cuts) / mostCuts, 'the exchange continues after the last cut');
    const chance = random();
    if (progress() > 0.9) break;
    if (chance < 0.1) {
      proxy.freeze();
      await sleep(random() * 900);
      await proxy.heal();
    } else proxy.cut(chance < 0.55 ? 'fin' : 'reset');
  }
}
