import { connect } from 'gemsocket';
import { session } from 'gemsocket/session';
import { type Presence, presence } from 'gemsocket/topics';
import { describe, expect, test as it, onTestFinished } from 'vitest';
import { until } from '../support/until.js';
import { runClientWith, runProgramWith } from './programs.js';

const GUIDE = 'docs/guides/presence.md';

async function joined(port: number, name: string, topic = 'doc/1'): Promise<Presence> {
  const client = await connect(`ws://localhost:${port}/?name=${name}`, { type: 'insecure', session: session() });
  onTestFinished(async () => void (await client.close()));
  return presence(client, topic, { data: { line: 7 } });
}

describe('the programs in docs/guides/presence.md', () => {
  it('name the members of a document to each other', async () => {
    const { port, program: server } = await runProgramWith(GUIDE, 'server.members');
    await server.printed(/^0 users are in doc\/1$/m);
    const bob = await joined(port, 'bob');
    await expect(joined(port, 'bob', 'other')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const ann = await runClientWith(GUIDE, 'readers.update', port);
    await ann.printed(/^here are \[ 'bob', 'ann' \]$/m);
    await until(() => (bob.members.get('ann')?.data as { line?: number } | undefined)?.line === 2, 'bob sees the update');
    await ann.printed(/^ann is here \{ color: 'red', line: 2 \}$/m);
    await bob.update({ line: 8 });
    await ann.printed(/^bob is here \{ line: 8 \}$/m);
    await joined(port, 'cat');
    await ann.printed(/^cat joined \{ line: 7 \}$/m);
    await bob.leave();
    await ann.printed(/^bob left$/m);
  });

  it('count the readers without being one', async () => {
    const { port } = await runProgramWith(GUIDE, 'server.members');
    const lobby = await runClientWith(GUIDE, 'observe: true', port);
    await lobby.printed(/^0 readers$/m);
    const bob = await joined(port, 'bob');
    await lobby.printed(/^1 readers$/m);
    expect([...bob.members.keys()]).toEqual(['bob']);
  });
});
