import { readFileSync } from 'node:fs';
import { listen } from 'gemsocket/server';
import { describe, expect, test } from 'vitest';
import { resolveOptions } from '../../src/core/options.js';
import { resolveCloseOptions, resolveServerOptions } from '../../src/server/options.js';
import { codeSpans, tableAfter } from './markdown.js';

const text = readFileSync('docs/guides/operating.md', 'utf8');

describe('docs/guides/operating.md', () => {
  test("has every bound of a client's options, with its default", () => {
    expect(documented('client')).toEqual(numbersIn(resolveOptions({})));
  });

  test("has every bound of the server's options, with its default", () => {
    const { client, rateLimit, ...own } = resolveServerOptions({});
    expect(rateLimit, 'the table says none').toBeUndefined();
    const { inbox, maxMessageBytes } = client;
    expect(documented('server')).toEqual({
      ...numbersIn({ ...own, maxMessageBytes, inbox }),
      rateLimit: 'none',
      'close({ graceMs })': String(resolveCloseOptions({}).graceMs),
    });
  });

  test('has every name of server.metrics', async () => {
    await using server = await listen('localhost', 0);
    const names = tableAfter('metrics', text).flatMap(([name = '']) => codeSpans(name));
    expect(names.sort()).toEqual(Object.keys(server.metrics).sort());
  });
});

function documented(table: string): Record<string, string> {
  return Object.fromEntries(tableAfter(`defaults: ${table}`, text).map(([option = '', value = '']) => [option.replaceAll('`', ''), value]));
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
