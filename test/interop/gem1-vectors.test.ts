import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../support/needs.js';
import { start } from '../support/programs.js';

const here = fileURLToPath(new URL('.', import.meta.url));

describeWith('pythonWebsockets', 'a peer of gem.1 in Python, written from docs/protocol.md alone', (python) => {
  it('reads, writes and answers as test/vectors require', async () => {
    const program = `import sys; sys.path.insert(0, sys.argv[1]); from gem1_peer.all_vectors import main; main(sys.argv[2])`;
    await using run = start(python, ['-B', '-c', program, here, fileURLToPath(new URL('../vectors', import.meta.url))]);
    expect(await run.ended, run.output).toBe(0);
    const { played, failed } = JSON.parse(run.output) as { played: number; failed: Record<string, string> };
    expect(failed).toEqual({});
    expect(played).toBeGreaterThan(170);
  });
});
