import { readFileSync } from 'node:fs';
import { listen } from 'gemsocket/server';
import { describe, expect, test } from 'vitest';
import { withOptions } from '../../scripts/option-tables.mjs';
import { resolveOptions } from '../../src/core/options.js';
import { resolveCloseOptions, resolveServerOptions } from '../../src/server/options.js';
import type { ServerSessionSettings } from '../../src/server/session-options.js';
import { resolveSession } from '../../src/session/feature.js';
import { codeSpans, tableAfter } from './markdown.js';

const text = readFileSync('docs/guides/operating.md', 'utf8');

describe('docs/guides/operating.md', () => {
  test("has every bound of a client's options, with its default", () => {
    expect(documented('client')).toEqual(numbersIn(resolveOptions({})));
  });

  test("has every bound of the server's options, with its default", () => {
    const { client, rateLimit, session, ...own } = resolveServerOptions({});
    expect(rateLimit, 'the table says none').toBeUndefined();
    const { inbox, liveness, maxMessageBytes, closeTimeoutMs } = client;
    const { ackDelayMs, ...sessionOptions } = session as ServerSessionSettings;
    expect(documented('server')).toEqual({
      ...numbersIn({ ...own, maxMessageBytes, inbox, liveness, session: sessionOptions }),
      rateLimit: 'none',
      'close({ graceMs })': String(resolveCloseOptions({}).graceMs),
    });
    expect(text).toContain(`closing handshake has ${closeTimeoutMs.toLocaleString('en')} ms`);
    expect(text).toContain(`waits at most ${ackDelayMs} ms`);
  });

  test("has every bound of a session's options in the guide to sessions, with its default", () => {
    expect(documented('session', readFileSync('docs/guides/sessions.md', 'utf8'))).toEqual(numbersIn(resolveSession({})));
  });

  test.each(['docs/guides/operating.md', 'docs/guides/sessions.md'])('the tables of options in %s are those of the docstrings', (file) => {
    expect(withOptions(file), 'run `npm run options`').toBe(readFileSync(file, 'utf8'));
  });

  test('has every name of server.metrics', async () => {
    await using server = await listen('localhost', 0);
    const names = tableAfter('metrics', text).flatMap(([name = '']) => codeSpans(name));
    expect(names.sort()).toEqual(Object.keys(server.metrics).sort());
  });
});

function documented(table: string, guide = text): Record<string, string> {
  return Object.fromEntries(
    tableAfter(`defaults: ${table}`, guide).map(([option = '', value = '']) => [option.replaceAll('`', ''), plainNumber(value)]),
  );
}

/** '64 KiB' is '65536'. */
function plainNumber(value: string): string {
  const [number = '', unit = ''] = value.replaceAll(',', '').split(' ');
  const factor = { KiB: 1024, MiB: 1024 * 1024 }[unit];
  return factor === undefined ? number : String(Number(number) * factor);
}

/** Every number in settings, by its path. */
function numbersIn(settings: object, path = ''): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]: [string, unknown]) => {
      if (typeof value === 'number') return [[path + name, String(value)]];
      return typeof value === 'object' && value !== null ? Object.entries(numbersIn(value, `${path}${name}.`)) : [];
    }),
  );
}
