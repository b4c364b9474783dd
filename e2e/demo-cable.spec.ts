import type { Page } from '@playwright/test';
import { connect } from 'gemsocket';
import { Tally } from '../demo/shared/tally.js';
import { pace } from '../test/support/pace.js';
import { expect, recordTexts, test } from './demo.js';

/** A client that is not let in makes Chromium write a line. */
const REFUSED = /WebSocket connection to .*\/cable/;

/** How many of what takes a few seconds to say; a slow machine says fewer in the same time. */
const several = (number: number) => number / pace();

type Name = 'plain' | 'session';

const side = (page: Page, name: Name) => page.locator(`#cable-${name}`);
const receipts = (page: Page, name: Name | 'fault') => page.locator(`#receipts .receipt.${name}`);
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

/** All counters of a side in one look: they move. */
function counts(page: Page, name: Name): Promise<Record<string, number>> {
  return side(page, name).evaluate((root) =>
    Object.fromEntries(
      [...root.querySelectorAll<HTMLElement>('[data-count]')].map((place) => [place.dataset.count, Number(place.textContent)]),
    ),
  );
}

const count = async (page: Page, name: Name, counter: string) => (await counts(page, name))[counter] ?? Number.NaN;

async function open(page: Page): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: 'Cable' }).click();
  for (const name of ['plain', 'session'] as const) {
    await expect(side(page, name).locator('.cable-state')).toHaveText('open');
    await expect.poll(() => count(page, name, 'received')).toBeGreaterThan(20);
  }
}

/** Everything that the session took is there: once, in order. It goes on meanwhile. */
async function expectWhole(page: Page): Promise<void> {
  const before = await counts(page, 'session');
  await expect.poll(() => count(page, 'session', 'received')).toBeGreaterThan(before.sent ?? 0);
  expect(await counts(page, 'session')).toMatchObject({ lost: 0, duplicated: 0, disordered: 0 });
  await expect(side(page, 'session')).toHaveAttribute('data-tone', 'calm');
}

test('as long as nothing happens to the cable, both clients get everything', async ({ page }) => {
  await open(page);
  for (const name of ['plain', 'session'] as const) {
    const { sent = 0, received = 0, underWay = 0, ...wrong } = await counts(page, name);
    expect(received + underWay).toBe(sent);
    expect(wrong).toEqual({ lost: 0, duplicated: 0, disordered: 0 });
  }
  // One of the two may be a message ahead of the other for a moment.
  const sent = async () => new Set(await page.locator('#cable [data-count=sent]').allTextContents());
  await expect.poll(async () => (await sent()).size).toBe(1);
  await expect(page.locator('#cable-caption')).toContainText('The cable is intact');
  await expect(page.locator('#receipts-empty')).toBeVisible();
});

test('cut again and again, the plain client loses and does not know it; the session has everything, and a receipt', async ({ page }) => {
  const frames = plainFrames(page);
  await open(page);
  for (let cuts = 1; cuts <= 3; cuts++) {
    await press(page, 'Cut');
    await expect(receipts(page, 'fault')).toHaveCount(cuts);
    await expect(receipts(page, 'plain')).toHaveCount(cuts);
    await expect(receipts(page, 'session')).toHaveCount(cuts);
  }
  await expect.poll(() => count(page, 'plain', 'lost')).toBeGreaterThan(0);
  await expect(side(page, 'plain')).toHaveAttribute('data-tone', 'lossy');
  await expect(receipts(page, 'plain').first()).toContainText(/resumed\s*false.*lost\s*unknown/);
  await expect(receipts(page, 'session').first()).toContainText(/resumed\s*true.*replayed\s*\d+.*lost\s*0/);
  await expectWhole(page);
  await expect(side(page, 'session').locator('.cable-verdict')).toContainText(/3 disconnects, \d+ sent again, none missing/);

  const { sent = 0, received = 0, underWay = 0, lost = 0, duplicated, disordered } = await counts(page, 'plain');
  expect(received + lost + underWay).toBe(sent);
  expect({ duplicated, disordered }).toEqual({ duplicated: 0, disordered: 0 });
  await expect.poll(() => side(page, 'plain').locator('.cable-verdict').textContent()).toContain(`${frames.lost} to this page`);
});

test('frozen, no disconnect is reported: messages that the server gave up are lost to the plain client, and sent again by the session', async ({
  page,
}) => {
  await open(page);
  const texts = await recordTexts(page);
  const again = pressWhileBusy(page, 'cable-freeze');
  await press(page, 'Freeze 5 s');
  expect(await again).toMatch(/Frozen, \d s/);
  await expect.poll(() => texts('#cable-caption')).toContain('Frozen');
  await expect(receipts(page, 'session')).toHaveCount(1);
  await expect(receipts(page, 'plain')).toHaveCount(1);
  await expect(receipts(page, 'fault')).toHaveCount(1);
  await expect.poll(() => count(page, 'plain', 'lost')).toBeGreaterThan(several(50));
  await expectWhole(page);
  await expect(page.getByRole('button', { name: 'Freeze 5 s' })).toHaveAttribute('aria-disabled', 'false');
});

test('refused, both try until they are let in; the session lost nothing meanwhile', async ({ page, expectedErrors }) => {
  expectedErrors.push(REFUSED);
  await open(page);
  const texts = await recordTexts(page);
  const again = pressWhileBusy(page, 'cable-refuse');
  await press(page, 'Refuse 5 s');
  expect(await again).toMatch(/Refusing, \d s/);
  for (const name of ['plain', 'session'] as const) await expect.poll(() => texts(`#cable-${name} .cable-state`)).toContain('reconnecting');
  await expect.poll(() => texts('#cable-caption')).toContain('New connections are refused');
  const underWay = async () => (await texts('#cable-session [data-count=underWay]')).split('\n').map(Number);
  await expect.poll(async () => Math.max(...(await underWay()))).toBeGreaterThan(several(80));
  for (const name of ['plain', 'session'] as const) await expect(receipts(page, name)).toHaveCount(1);
  await expect.poll(() => count(page, 'plain', 'lost')).toBeGreaterThan(several(50));
  await expectWhole(page);
});

test('a delay loses nothing: more is on its way, until it is taken back', async ({ page }) => {
  await open(page);
  const delay = page.getByRole('button', { name: 'Delay 500 ms' });
  await delay.click();
  await expect(delay).toHaveAttribute('aria-pressed', 'true');
  await expect(page.locator('#cable-caption')).toContainText('540 ms');
  for (const name of ['plain', 'session'] as const) await expect.poll(() => count(page, name, 'underWay')).toBeGreaterThan(14);
  await delay.click();
  await expect(delay).toHaveAttribute('aria-pressed', 'false');
  await expectWhole(page);
  expect(await count(page, 'plain', 'lost')).toBe(0);
});

test('one page’s cable is no other’s, and starting over begins with nothing', async ({ page }) => {
  const other = await page.context().newPage();
  await other.goto(page.url());
  await open(other);
  await press(other, 'Cut');
  await expect(receipts(other, 'session')).toHaveCount(1);
  await expect.poll(() => count(other, 'plain', 'lost')).toBeGreaterThan(0);

  await page.bringToFront();
  await open(page);
  await expect(receipts(page, 'session')).toHaveCount(0);
  expect(await count(page, 'plain', 'lost')).toBe(0);

  await other.bringToFront();
  await press(other, 'Start over');
  await expect(receipts(other, 'fault')).toHaveCount(0);
  await expect(side(other, 'plain')).toHaveAttribute('data-tone', 'calm');
  await open(other);
  expect(await count(other, 'plain', 'lost')).toBe(0);
});

test('an answer that comes after starting over is not taken for the new line’s', async ({ page }) => {
  await open(page);
  await holdBody(page);
  await press(page, 'Start over');
  await page.evaluate(() => dispatchEvent(new Event('release')));
  await open(page); // and no 404 is on the console
});

test('by keyboard alone: every fault has its button, and the receipts can be read', async ({ page }) => {
  await open(page);
  await page.locator('#cable-cut').focus();
  await page.keyboard.press('Enter');
  await expect(receipts(page, 'session')).toHaveCount(1);
  await expect(page.locator('#cable-cut')).toBeFocused();
  const stops: (string | undefined)[] = [];
  for (let i = 0; i < 5; i++) {
    await page.keyboard.press('Tab');
    stops.push(await page.evaluate(() => document.activeElement?.id));
  }
  expect(stops).toEqual(['cable-freeze', 'cable-delay', 'cable-refuse', 'cable-again', 'receipts']);
  await page.locator('#cable-delay').focus();
  await page.keyboard.press('Space');
  await expect(page.locator('#cable-delay')).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByRole('log', { name: 'Receipts' })).toHaveAttribute('aria-live', 'polite');
});

test('the receipts are bounded, newest first', async ({ page }) => {
  await open(page);
  await page.locator('#cable-delay').evaluate(async (button) => {
    const list = document.querySelector('#receipts');
    for (let i = 1; i <= 41; i++) {
      (button as HTMLElement).click();
      while (list !== null && list.children.length < Math.min(i, 40)) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  await press(page, 'Cut');
  await expect(receipts(page, 'session')).toHaveCount(1);
  await expect(page.locator('#receipts .receipt')).toHaveCount(40);
  await expect(page.locator('#receipts .receipt').last()).toContainText('500 ms');
  await expect(page.locator('#receipts .receipt').first()).toContainText('reconnected');
});

test.describe('with motion', () => {
  test.use({ contextOptions: { reducedMotion: 'no-preference' } });

  test('with reduced motion the cable is visible, and nothing moves in it', async ({ page }) => {
    await open(page);
    await expect.poll(() => page.evaluate(() => document.getAnimations().length)).toBeGreaterThan(0);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await open(page);
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
    await expect(page.locator('#cable-drawing .strand[data-state="open"]')).toHaveCount(2);
  });
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });

  test('both counters stand side by side, and nothing is wider than the screen', async ({ page }) => {
    await open(page);
    await page.getByRole('button', { name: 'Cut', exact: true }).tap();
    await expect(receipts(page, 'session')).toHaveCount(1);
    await expect.poll(() => count(page, 'plain', 'lost')).toBeGreaterThan(0);
    const [plain, session] = await Promise.all([side(page, 'plain').boundingBox(), side(page, 'session').boundingBox()]);
    expect(plain?.y).toBe(session?.y);
    const rows = await page
      .locator('#cable [data-count=sent]')
      .evaluateAll((places) => places.map((place) => place.getBoundingClientRect().y));
    expect(rows[0]).toBe(rows[1]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  });
});

test.describe('the server’s side of it', () => {
  test('only the demo’s own page may touch a cable, and only one that there is', async ({ demo }) => {
    const line = `${demo.url}/cable?line=${'0'.repeat(32)}`;
    const post = (address: string, origin: string) => fetch(address, { method: 'POST', headers: { origin } }).then(({ status }) => status);
    expect(await post(`${line}&fault=cut`, 'http://elsewhere.example')).toBe(403);
    expect(await post(`${line}&fault=cut`, demo.url)).toBe(200);
    expect(await post(`${line}&fault=constructor`, demo.url)).toBe(400);
    expect((await fetch(`${demo.url}/cable?line=mine`)).status).toBe(400);
    const nowhere = connect(demo.address(`/cable?line=${'1'.repeat(32)}&as=plain`), { type: 'insecure', reconnect: false });
    await expect(nowhere).rejects.toMatchObject({ code: 'CONNECT_FAILED', context: { status: 404 } });
  });

  test('a phone on the network, to which this machine has another name, gets its cable, too', async ({ demo }) => {
    const line = 'f'.repeat(32);
    expect((await fetch(`${demo.url}/cable?line=${line}`)).status).toBe(200);
    const phone = connect(demo.address(`/cable?line=${line}&as=plain`), {
      type: 'insecure',
      reconnect: false,
      node: { headers: { host: '192.168.1.20:8080', origin: 'http://192.168.1.20:8080' } },
    });
    await using client = await phone;
    expect(client.state).toBe('open');
  });

  test.describe('of its own', () => {
    test.use({ hasOwnServer: true });

    test('a request for more than a hundred cables is refused', async ({ demo }) => {
      const look = (number: number) =>
        fetch(`${demo.url}/cable?line=${number.toString(16).padStart(32, '0')}`).then(({ status }) => status);
      for (let number = 0; number < 100; number++) expect(await look(number)).toBe(200);
      expect(await look(100)).toBe(503);
      expect(await look(7)).toBe(200);
    });
  });
});

test.describe('the tally', () => {
  const tallyOf = (...numbers: readonly (number | string)[]) => {
    const tally = new Tally();
    for (const number of numbers) tally.take(String(number));
    return tally.counts;
  };

  test('what is passed over is lost', () => {
    expect(tallyOf(1, 2, 5, 6)).toEqual({ highest: 6, received: 4, lost: 2, duplicated: 0, disordered: 0 });
    expect(tallyOf(4)).toMatchObject({ received: 1, lost: 3 });
  });

  test('a late message is not lost but out of order; a repeated one is a duplicate', () => {
    expect(tallyOf(1, 3, 2)).toEqual({ highest: 3, received: 3, lost: 0, duplicated: 0, disordered: 1 });
    expect(tallyOf(1, 3, 2, 2, 3)).toEqual({ highest: 3, received: 3, lost: 0, duplicated: 2, disordered: 1 });
  });

  test('nonsense does not count, and the memory is bounded', () => {
    expect(tallyOf(1, 'two', -1, 0, 1.5, 900_000_000, '')).toEqual({ highest: 1, received: 1, lost: 0, duplicated: 0, disordered: 0 });
    expect(tallyOf(10_000, 20_000, 3)).toEqual({ highest: 20_000, received: 2, lost: 19_998, duplicated: 1, disordered: 0 });
  });
});

/** Presses a button as soon as it is disabled, which must change nothing. Resolves with what the button says then. */
function pressWhileBusy(page: Page, id: string): Promise<string> {
  return page.locator(`#${id}`).evaluate(
    (button) =>
      new Promise<string>((pressed) => {
        new MutationObserver((_, observer) => {
          if (button.getAttribute('aria-disabled') !== 'true') return;
          observer.disconnect();
          (button as HTMLElement).click();
          pressed(button.textContent);
        }).observe(button, { attributes: true });
      }),
  );
}

/** Waits for the next answer to the page, and keeps its body until the page is told to `release` it. */
function holdBody(page: Page): Promise<void> {
  return page.evaluate(
    () =>
      new Promise<void>((held) => {
        const { json } = Response.prototype;
        Response.prototype.json = async function () {
          Response.prototype.json = json;
          held();
          await new Promise((release) => addEventListener('release', release, { once: true }));
          return json.call(this);
        };
      }),
  );
}

/** What really arrived on the plain client's sockets, counted from outside the page. */
function plainFrames(page: Page): { readonly lost: number } {
  const numbers = new Set<number>();
  page.on('websocket', (socket) => {
    if (socket.url().includes('as=plain')) socket.on('framereceived', ({ payload }) => numbers.add(Number(payload)));
  });
  return {
    get lost() {
      return Math.max(0, ...numbers) - numbers.size;
    },
  };
}
