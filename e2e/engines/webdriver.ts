import { limit } from '../../test/support/pace.js';
import type { Tab } from './engine.js';

/** No call of a test takes as long; the driver would wait for hours. */
const SCRIPT_TIMEOUT_MS = limit(30_000);
const PAGE_LOAD_TIMEOUT_MS = limit(30_000);
/** A driver that does not answer at all is given up a little later than what it waits for. */
const REQUEST_TIMEOUT_MS = SCRIPT_TIMEOUT_MS + 10_000;

/** Runs in the page: what became of a call, as JSON. */
const EVALUATE = `
  const [source, given, done] = arguments;
  Promise.resolve()
    .then(() => (0, eval)('(' + source + ')')(given === null ? undefined : JSON.parse(given)))
    .then((value) => done({ value: JSON.stringify(value) }), (error) => done({ error: error.message + '\\n' + error.stack }));
`;

interface Answer {
  readonly value: unknown;
}

interface NewSession {
  readonly sessionId: string;
  readonly capabilities: { readonly browserVersion: string };
}

interface Outcome {
  readonly value?: string;
  readonly error?: string;
}

/** A browser of its own for each tab, by W3C WebDriver. */
export async function openSession(driver: string, capabilities: object): Promise<Tab> {
  const timeouts = { script: SCRIPT_TIMEOUT_MS, pageLoad: PAGE_LOAD_TIMEOUT_MS };
  const session = (await ask('POST', `${driver}/session`, { capabilities: { alwaysMatch: { ...capabilities, timeouts } } })) as NewSession;
  const path = `${driver}/session/${session.sessionId}`;
  return {
    version: session.capabilities.browserVersion,
    async goto(url: string) {
      await ask('POST', `${path}/url`, { url });
    },
    async evaluate<Result, Given>(call: (given: Given) => Result | Promise<Result>, given?: Given) {
      const args = [call.toString(), given === undefined ? null : JSON.stringify(given)];
      const { value, error } = (await ask('POST', `${path}/execute/async`, { script: EVALUATE, args })) as Outcome;
      if (error !== undefined) throw new Error(error);
      return (value === undefined ? undefined : JSON.parse(value)) as Result;
    },
    async [Symbol.asyncDispose]() {
      await ask('DELETE', path);
    },
  };
}

async function ask(method: string, url: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { value } = (await response.json()) as Answer;
  if (!response.ok) throw new Error(`${method} ${url}: ${JSON.stringify(value)}`);
  return value;
}
