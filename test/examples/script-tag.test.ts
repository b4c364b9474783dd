import { expect, test } from 'vitest';
import { openPage } from './browser.js';
import { runNode } from './program.js';

test('a page with one script tag connects, sends and polls', async () => {
  const program = runNode('examples/script-tag/server.js', ['0']);
  const [, origin = ''] = await program.printed(/listening on (http:\S+)/);
  const { page, errors } = await openPage();
  await page.goto(origin);
  await page.getByText('open', { exact: true }).waitFor();
  for (const count of ['1', '2', '3']) {
    await page.getByRole('button').click();
    await page.getByText(count, { exact: true }).waitFor();
  }
  expect(errors.filter((error) => !error.includes('404'))).toEqual([]);
});
