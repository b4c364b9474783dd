import { expect, type Page, test } from '@playwright/test';
import { until } from '../test/support/until.js';
import { set } from './session/setting.js';
import { join, type Tab } from './shared/tabs.js';

// Topics in the tabs of one site, which share one session.

interface TopicTab extends Tab {
  read: unknown[];
  members: ReadonlyMap<string, unknown>;
}

async function follow(page: Page, topic: string): Promise<void> {
  await page.evaluate(async (name) => {
    const topics = (await import('/dist/topics.js' as string)) as typeof import('gemsocket/topics');
    const { client } = globalThis as unknown as Tab;
    const read: unknown[] = [];
    await topics.subscribe(client, name, ({ message }) => read.push(message));
    const { members } = await topics.presence(client, name);
    Object.assign(globalThis, { read, members });
  }, topic);
}

const readIn = (page: Page) => page.evaluate(() => (globalThis as unknown as TopicTab).read);
const membersIn = (page: Page) => page.evaluate(() => (globalThis as unknown as TopicTab).members.size);

const publishIn = (page: Page, topic: string, text: string) =>
  page.evaluate(
    async ([name, message]) => {
      const topics = (await import('/dist/topics.js' as string)) as typeof import('gemsocket/topics');
      return topics.publish((globalThis as unknown as Tab).client, name, message);
    },
    [topic, text] as const,
  );

test('tabs that subscribe to a topic share one subscription and are one member', async ({ context }) => {
  await using setting = await set({ authorize: () => true });
  const tabs = [await join(context, setting, { hasSession: true }), await join(context, setting, { hasSession: true })];
  const [first, second] = tabs as [Page, Page];
  for (const tab of tabs) await follow(tab, 'news');
  expect(setting.server.metrics).toMatchObject({ clients: 1, subscriptions: 1 });
  expect(await publishIn(first, 'news', 'from the first')).toEqual(expect.any(String));
  await publishIn(second, 'news', 'from the second');
  await setting.server.publish('news', 'from the server');
  const all = ['from the first', 'from the second', 'from the server'];
  for (const tab of tabs) await until(async () => (await readIn(tab)).length === 3, 'the tab has read all');
  for (const tab of tabs) expect(await readIn(tab)).toEqual(all);
  expect((await setting.server.members('news')).size).toBe(1);
  expect([await membersIn(first), await membersIn(second)]).toEqual([1, 1]);
  await first.close();
  await setting.server.publish('news', 'to the second');
  await until(async () => (await readIn(second)).length === 4, 'the tab that stays reads on');
});
