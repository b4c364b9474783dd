import { connect } from 'gemsocket';
import { expect, test } from 'vitest';
import { openPage } from './browser.js';
import { runNode } from './program.js';

test('Express answers requests and the WebSocket server handles its path on one port', async () => {
  const program = runNode('examples/express/server.js', ['0']);
  const [, origin = ''] = await program.printed(/listening on (http:\S+)/);
  const url = origin.replace('http', 'ws');

  const { page, errors } = await openPage();
  await page.goto(origin);
  const other = await connect(`${url}/live`, { type: 'insecure' });
  await expect.poll(async () => (await fetch(`${origin}/players`)).json()).toEqual({ players: 2 });

  await page.getByLabel('Message').fill('hello');
  await page.getByRole('button').click();
  await page.getByText('hello', { exact: true }).waitFor();
  for await (const message of other) {
    expect(message).toBe('hello');
    break;
  }
  await other.close();
  expect(errors.filter((error) => !error.includes('favicon') && !error.includes('404'))).toEqual([]);

  await expect(connect(`${url}/elsewhere`, { type: 'insecure' })).rejects.toMatchObject({
    code: 'CONNECT_FAILED',
    context: { status: 404 },
  });
  const stranger = connect(`${url}/live`, { type: 'insecure', node: { headers: { Origin: 'http://elsewhere.example' } } });
  await expect(stranger).rejects.toMatchObject({ code: 'CONNECT_FAILED', context: { status: 403 } });
});
