import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openPage } from './browser.js';
import { runNode } from './program.js';

test('two people chat in rooms that have a history and members', async () => {
  const program = runNode('examples/chat/server.js', ['0']);
  const [, origin = ''] = await program.printed(/listening on (http:\S+)/);
  const { page: ada, errors } = await openPage();
  await ada.goto(`${origin}/?name=Ada`);
  await ada.getByLabel('Members', { exact: true }).getByText('Ada').waitFor();
  await ada.getByLabel('Message', { exact: true }).fill('is anybody here?');
  await ada.getByRole('button', { name: 'Send' }).click();
  await ada.getByText('is anybody here?').waitFor();

  const { page: bob, errors: errorsOfBob } = await openPage();
  await bob.goto(`${origin}/?name=Bob`);
  await bob.getByText('is anybody here?').waitFor();
  await ada.getByLabel('Members', { exact: true }).getByText('Bob').waitFor();
  await bob.getByLabel('Message', { exact: true }).pressSequentially('yes');
  await ada.getByText('Bob is typing').waitFor();
  await bob.getByRole('button', { name: 'Send' }).click();
  await ada.getByText('Bob yes').waitFor();

  await bob.getByRole('button', { name: 'Music' }).click();
  await ada.getByLabel('Members', { exact: true }).getByText('Bob').waitFor({ state: 'detached' });
  await bob.getByLabel('Message', { exact: true }).fill('only in music');
  await bob.getByRole('button', { name: 'Send' }).click();
  await bob.getByText('only in music').waitFor();
  expect(await ada.getByText('only in music').count()).toBe(0);
  expect([...errors, ...errorsOfBob].filter((error) => !error.includes('favicon') && !error.includes('404'))).toEqual([]);
});

test('it takes under 120 lines', () => {
  const lines = ['server.js', 'public/chat.js'].flatMap((file) => readFileSync(`examples/chat/${file}`, 'utf8').trimEnd().split('\n'));
  expect(lines.length).toBeLessThan(120);
});
