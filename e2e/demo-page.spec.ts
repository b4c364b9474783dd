import type { Page } from '@playwright/test';
import { expect, inArena, takeName, test } from './demo.js';

test.describe('by keyboard alone', () => {
  test.use({ section: 'none' });

  test('a visitor steers, takes a name and a stone, connects, sends and closes', async ({ page }) => {
    while ((await focusStop(page))?.text !== 'Arena') await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(() => focused(page)).toBe('field');
    await page.keyboard.press('ArrowRight', { delay: 200 });

    await tabTo(page, 'name');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('Ada');
    await page.keyboard.press('Enter');
    await expect(page.locator('#players .own')).toContainText('Ada');

    await page.keyboard.press('Tab');
    const stone = await page.locator('#mineral-name').textContent();
    await page.keyboard.press('ArrowRight');
    await expect(page.locator('#mineral-name')).not.toHaveText(stone ?? '');

    await tabTo(page, 'connect');
    await page.keyboard.press('Enter');
    await expect(page.locator('#machine .node.lit')).toHaveText('open');
    await tabTo(page, 'send-text');
    await page.keyboard.type('Hello');
    await page.keyboard.press('Enter');
    await expect(page.locator('#log .entry.in')).toContainText(['Hello']);
    await tabTo(page, 'close', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await expect(page.locator('#machine .node.lit')).toHaveText('closed');
  });

  test('the field gives the focus back, and the first stop leads past the header', async ({ page }) => {
    await page.getByRole('link', { name: 'Arena', exact: true }).click();
    await expect.poll(() => focused(page)).toBe('field');
    await page.keyboard.press('Escape');
    expect(await focused(page)).toBe('');
    await page.locator('.skip').focus();
    await expect(page.locator('.skip')).toBeInViewport();
  });

  test('whatever has the focus shows it', async ({ page }) => {
    const stops = new Set<string>();
    const bare: string[] = [];
    for (;;) {
      await page.keyboard.press('Tab');
      const stop = await focusStop(page);
      if (stop === undefined || stops.has(stop.markup)) break; // once around
      stops.add(stop.markup);
      if (!stop.isShown) bare.push(stop.markup);
    }
    expect(bare).toEqual([]);
    expect(stops.size).toBeGreaterThan(30);
  });
});

test.describe('theme', () => {
  test('the system’s theme holds until the visitor chooses, and the choice is remembered', async ({ page }) => {
    const root = page.locator('html');
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect(root).toHaveAttribute('data-theme', 'dark');
    const toggle = page.getByRole('button', { name: 'Dark theme' });
    await expect(toggle).toHaveAttribute('aria-pressed', 'true');
    await toggle.click();
    await expect(root).toHaveAttribute('data-theme', 'light');
    await page.reload();
    await expect(root).toHaveAttribute('data-theme', 'light');
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`every text is readable in the ${colorScheme} theme (WCAG AA)`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await page.getByRole('button', { name: 'unencrypted' }).click();
      await page.getByRole('button', { name: 'clock' }).click();
      await expect(page.locator('#log .entry.in.binary')).not.toHaveCount(0);
      await cableOpen(page);
      await expect(async () => {
        await page.getByRole('button', { name: 'Cut', exact: true }).click(); // again, where nothing was under way
        await expect(page.locator('#cable-plain')).toHaveAttribute('data-tone', 'lossy', { timeout: 3_000 });
      }).toPass();
      await expect(page.locator('.receipt.session').first()).toBeVisible();
      expect(await faintTexts(page)).toEqual([]);
    });
  }
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test('nothing is wider than the screen, and touch targets are large enough', async ({ page }) => {
    const width = () => page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(await width()).toEqual([390, 390]);
    await page.getByRole('button', { name: 'unencrypted' }).tap();
    await page.getByRole('button', { name: 'clock' }).tap();
    await expect(page.locator('#log .entry.in.binary')).not.toHaveCount(0);
    await cableOpen(page);
    await page.getByRole('button', { name: 'Cut', exact: true }).tap();
    await expect(page.locator('.receipt.plain')).toBeVisible();
    for (const summary of await page.locator('summary').all()) await summary.tap();
    expect(await width()).toEqual([390, 390]);

    const small = await page.evaluate(() =>
      [...document.querySelectorAll('button, .check, .segments label, .minerals label, nav a, summary')]
        .map((element) => ({ text: element.textContent?.trim(), box: element.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0 && (box.width < 24 || box.height < 44))
        .map(({ text }) => text),
    );
    expect(small).toEqual([]);
  });

  test('magnified four times, a page of 1,280 pixels is still no wider than its window (WCAG 1.4.10)', async ({ page }) => {
    await page.setViewportSize({ width: 320, height: 256 });
    await cableOpen(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  });

  test.describe('in the arena', () => {
    test.use({ section: 'arena' });

    test('a narrow screen shows a part of the field, and the own gem in it', async ({ page }) => {
      const box = await page.locator('#field').boundingBox();
      expect(box?.height).toBeGreaterThan(300);
      await inArena(page);
    });

    for (const [corner, keys] of [
      ['lower left', ['ArrowDown', 'ArrowLeft']],
      ['lower right', ['ArrowDown', 'ArrowRight']],
    ] as const) {
      test(`in the ${corner} corner, the name of a gem is still whole`, async ({ page }) => {
        await recordNames(page);
        await page.reload();
        await inArena(page);
        await takeName(page, 'Wilhelmina Mayer');
        await page.locator('#field').focus();
        for (const key of keys) await page.keyboard.down(key);
        await expect.poll(() => standsStill(page, 'Wilhelmina Mayer')).toBe(true);
        expect(await cutOff(page, 'Wilhelmina Mayer')).toEqual({ left: 0, right: 0, top: 0, bottom: 0 });
      });
    }
  });
});

test.describe('for people who do not see the page', () => {
  test('every control has a name, every id is there once, headings go down one step at a time', async ({ page }) => {
    expect(await namelessControls(page)).toEqual([]);
    const { doubled, levels } = await page.evaluate(() => {
      const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
      return {
        doubled: ids.filter((id, i) => ids.indexOf(id) !== i),
        levels: [...document.querySelectorAll('h1, h2, h3, h4')].map(({ tagName }) => Number(tagName[1])),
      };
    });
    expect(doubled).toEqual([]);
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    expect(levels.filter((level, i) => level - (levels[i - 1] ?? 0) > 1)).toEqual([]);
  });

  test('landmarks, the drawing and the live regions have their roles and names', async ({ page }) => {
    await expect(page.getByRole('main')).toHaveCount(1);
    await expect(page.getByRole('navigation', { name: 'Sections' })).toBeVisible();
    for (const name of ['Arena', 'Feed', 'Console', 'Race', 'Pulse', 'Cable'])
      await expect(page.getByRole('region', { name, exact: true })).toBeVisible();
    await expect(page.getByRole('img', { name: /The connection is idle/ })).toBeVisible();
    await expect(page.getByRole('log', { name: 'Messages' })).toBeAttached();
    await expect(page.getByRole('log', { name: 'News' })).toBeAttached();
    await expect(page.getByRole('log', { name: 'Receipts' })).toBeAttached();
    await expect(page.getByRole('log', { name: 'Reports' })).toBeAttached();
    await expect(page.getByRole('slider', { name: 'Slow reader' })).toHaveAttribute('aria-valuetext', '5 reads per second');
    await expect(page.getByRole('img', { name: /The cable between/ })).toBeVisible();
    await expect(page.getByRole('application', { name: 'The field' })).toHaveAccessibleDescription(/press and hold/i);
    await expect(page.getByRole('group', { name: /Stone/ }).getByRole('radio')).toHaveCount(8);
  });

  test.describe('with motion', () => {
    test.use({ contextOptions: { reducedMotion: 'no-preference' } });

    test('a visitor who asks for reduced motion gets no trails, no bursts and no sliding', async ({ page }) => {
      const lit = page.locator('#machine .node.lit');
      await recordAnimations(page);
      await page.getByRole('button', { name: /^Connect/ }).click();
      await expect(lit).toHaveText('open');
      expect(await takeAnimations(page)).not.toEqual([]);
      await page.getByRole('button', { name: /^Close/ }).click();
      await expect(lit).toHaveText('closed');

      await page.emulateMedia({ reducedMotion: 'reduce' });
      await expect.poll(() => page.evaluate(() => document.getAnimations().length)).toBe(0);
      await takeAnimations(page);
      await page.getByRole('button', { name: /^Connect/ }).click();
      await expect(lit).toHaveText('open');
      expect(await takeAnimations(page)).toEqual([]);
    });
  });
});

/** From now on the page keeps the name of each animation and transition that begins, however short it is. */
async function recordAnimations(page: Page): Promise<void> {
  await page.evaluate(() => {
    const animations: string[] = [];
    Object.assign(globalThis, { animations });
    for (const type of ['animationstart', 'transitionrun']) document.addEventListener(type, (event) => animations.push(event.type));
    const { animate } = Element.prototype;
    Element.prototype.animate = function (...args) {
      animations.push('animate');
      return animate.apply(this, args);
    };
  });
}

/** The animations that have begun since the last call, those of the frame that is being drawn included. */
function takeAnimations(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    return (globalThis as unknown as { animations: string[] }).animations.splice(0);
  });
}

/** The element that has the focus, and whether it or its frame shows that; undefined at the end of the page. */
function focusStop(page: Page): Promise<{ text: string | null; markup: string; isShown: boolean } | undefined> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return undefined;
    const shows = (node: Element | null) => {
      if (node === null) return false;
      const { outlineStyle, boxShadow } = getComputedStyle(node);
      return outlineStyle !== 'none' || boxShadow !== 'none';
    };
    return {
      text: element.textContent,
      markup: element.outerHTML.slice(0, 80),
      isShown: [element, element.nextElementSibling, element.parentElement].some(shows),
    };
  });
}

interface DrawnName {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** From the next load on, the page keeps where on the canvas each name was drawn last, in pixels. */
async function recordNames(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const names = new Map<string, DrawnName>();
    Object.assign(globalThis, { names });
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
      const { width, actualBoundingBoxAscent, actualBoundingBoxDescent } = this.measureText(text);
      const { a, e, f } = this.getTransform();
      const [left, right] = [x - width / 2, x + width / 2].map((at) => at * a + e) as [number, number];
      names.set(text, { left, right, top: (y - actualBoundingBoxAscent) * a + f, bottom: (y + actualBoundingBoxDescent) * a + f });
      fillText.call(this, text, x, y);
    };
  });
}

function drawnName(page: Page, name: string): Promise<DrawnName | undefined> {
  return page.evaluate((name) => (globalThis as unknown as { names: Map<string, DrawnName> }).names.get(name), name);
}

async function standsStill(page: Page, name: string): Promise<boolean> {
  const before = await drawnName(page, name);
  await page.evaluate(async () => {
    for (let frame = 0; frame < 12; frame++) await new Promise(requestAnimationFrame);
  });
  const after = await drawnName(page, name);
  return before !== undefined && JSON.stringify(before) === JSON.stringify(after);
}

/** By how many pixels a name reaches over each edge of the canvas. */
async function cutOff(page: Page, name: string): Promise<DrawnName> {
  const { left, right, top, bottom } = (await drawnName(page, name)) ?? { left: 0, right: 0, top: 0, bottom: 0 };
  const size = await page
    .locator('#field-canvas')
    .evaluate((canvas) => ({ width: (canvas as HTMLCanvasElement).width, height: (canvas as HTMLCanvasElement).height }));
  const over = (pixels: number) => Math.max(0, Math.round(pixels));
  return { left: over(-left), right: over(right - size.width), top: over(-top), bottom: over(bottom - size.height) };
}

/** The cable's clients connect when their section is first seen. */
async function cableOpen(page: Page): Promise<void> {
  await page.locator('#cable').scrollIntoViewIfNeeded();
  await expect(page.locator('#cable .cable-state')).toHaveText(['open', 'open']);
}

function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.id ?? '');
}

async function tabTo(page: Page, id: string, key = 'Tab'): Promise<void> {
  for (let i = 0; i < 60; i++) {
    if ((await focused(page)) === id) return;
    await page.keyboard.press(key);
  }
  throw new Error(`No number of ${key} leads to #${id}.`);
}

function namelessControls(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const byIds = (ids: string | null) =>
      (ids ?? '')
        .split(' ')
        .map((id) => document.getElementById(id)?.textContent ?? '')
        .join('');
    const nameOf = (element: Element) => {
      const labels = (element as HTMLInputElement).labels ?? [];
      const own = element.matches('button, a, summary') ? element.textContent : '';
      return [
        element.getAttribute('aria-label'),
        byIds(element.getAttribute('aria-labelledby')),
        ...[...labels].map((label) => label.textContent),
        own,
      ];
    };
    return [...document.querySelectorAll('button, a, input, textarea, summary, [tabindex], [role=img]')]
      .filter((element) => nameOf(element).every((name) => (name ?? '').trim() === ''))
      .map((element) => element.outerHTML.slice(0, 100));
  });
}

/** Texts with less contrast to their ground than WCAG 2.2 asks (1.4.3): 4.5, or 3 for large ones. What is disabled is exempt. */
async function faintTexts(page: Page): Promise<string[]> {
  const texts = await shownTexts(page);
  expect(texts.length).toBeGreaterThan(40);
  return texts
    .map((text) => ({ ...text, contrast: contrast(text.color, text.ground) }))
    .filter(({ contrast, isLarge }) => contrast < (isLarge ? 3 : 4.5))
    .map(({ text, contrast }) => `${text}: ${contrast.toFixed(2)}`);
}

interface ShownText {
  readonly text: string;
  readonly color: string;
  readonly ground: string;
  readonly isLarge: boolean;
}

function shownTexts(page: Page): Promise<ShownText[]> {
  return page.evaluate(() => {
    const groundOf = (element: Element | null): string => {
      if (element === null) return 'rgb(255, 255, 255)';
      const ground = getComputedStyle(element).backgroundColor;
      return ground.startsWith('rgb(') ? ground : groundOf(element.parentElement);
    };
    const exempt = ':disabled, [aria-disabled=true], .visually-hidden, svg';
    return [...document.querySelectorAll('body *')]
      .filter((element) => element.checkVisibility() && element.closest(exempt) === null)
      .filter((element) => [...element.childNodes].some((node) => node instanceof Text && node.data.trim() !== ''))
      .map((element) => {
        const { color, fontSize, fontWeight } = getComputedStyle(element);
        const sizePx = Number.parseFloat(fontSize);
        const isLarge = sizePx >= 24 || (sizePx >= 18.66 && Number(fontWeight) >= 700);
        return { text: element.textContent?.trim().slice(0, 40) ?? '', color, ground: groundOf(element), isLarge };
      });
  });
}

function contrast(color: string, ground: string): number {
  const [lighter = 0, darker = 0] = [luminance(color), luminance(ground)].sort((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}

/** Relative luminance of an `rgb(…)` colour (WCAG 2.2). */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
