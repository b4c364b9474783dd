import { expect, test } from 'vitest';
import { startScript } from '../support/programs.js';
import { until } from '../support/until.js';

const MB = 1024 * 1024;
const TOTAL_BYTES = 512 * MB;
const MESSAGE_BYTES = 16 * 1024;

interface Progress {
  readonly is: string;
  readonly sentBytes: number;
  readonly grownBytes: number;
  readonly rttMs: number | undefined;
}

test('a reader that stops reading stops a writer at full speed: both processes stay flat, the connection lives, and nothing is lost', async () => {
  await using writer = await startScript('test/faults/children/session-writer.ts', [TOTAL_BYTES, MESSAGE_BYTES]);
  const { port } = (await writer.said('listening')) as { port: number };
  await using reader = await startScript('test/faults/children/session-reader.ts', [`ws://127.0.0.1:${port}`]);
  await reader.said('open');

  const tellings = () => writer.messages.filter((message) => (message as Progress).is === 'progress') as Progress[];
  const stoodStill = () => tellings().slice(-10);
  await until(() => {
    const last = stoodStill();
    return last.length === 10 && last.every(({ sentBytes }) => sentBytes > 0 && sentBytes === last[0]?.sentBytes);
  }, 'the writer stands still');
  const stopped = stoodStill().at(-1) as Progress;
  // The reader's window, and a quarter of the bound of the writer's outbox.
  expect(stopped.sentBytes).toBeLessThan(4 * MB);
  reader.process.send('go on');
  const atReader = (await reader.said('stopped')) as { grownBytes: number; rttMs: number };
  expect(atReader.grownBytes).toBeLessThan(60 * MB);
  expect(stopped.grownBytes).toBeLessThan(60 * MB);
  expect(atReader.rttMs).toBeGreaterThanOrEqual(0);

  const read = (await reader.said('done')) as { messages: number; peakGrownBytes: number };
  const sent = (await writer.said('sent')) as Progress;
  expect(read).toMatchObject({ messages: TOTAL_BYTES / MESSAGE_BYTES, isInOrder: true });
  expect(read.peakGrownBytes).toBeLessThan(200 * MB);
  expect(sent.grownBytes).toBeLessThan(200 * MB);
  writer.process.send('done');
  expect([await reader.ended, await writer.ended]).toEqual([0, 0]);
  const mib = (bytes: number) => Math.round(bytes / MB);
  console.log(
    `stopped after ${mib(stopped.sentBytes)} MiB, grown by ${mib(stopped.grownBytes)} MiB (writer) and ${mib(atReader.grownBytes)} MiB (reader); ` +
      `512 MiB then took ${mib(sent.grownBytes)} and ${mib(read.peakGrownBytes)} MiB at the most`,
  );
});
