/** The matrix of platforms: from the runs of the conformance suite to a summary in JSON, and from the summary to tables in Markdown. */

const BROWSER_HOMES = { page: 'page', worker: 'worker', sharedWorker: 'shared worker', script: 'script tag' };
const node = (major) => ({ platform: `node${major}`, title: `Node ${major}`, place: 'ws' });
const nodeGlobal = (major) => ({ platform: `node${major}Global`, title: `Node ${major}`, place: 'global' });
const browser = (platform, title) => Object.entries(BROWSER_HOMES).map(([home, place]) => ({ platform, home, title, place }));

/** The columns of each table. All of them must have run; a run belongs to a column by its platform and home. */
const TABLES = [
  [
    ...[20, 22, 24, 26].map(node),
    ...[22, 24, 26].map(nodeGlobal),
    { platform: 'bun', title: 'Bun', place: 'global' },
    { platform: 'deno', title: 'Deno', place: 'global' },
    { platform: 'workerd', title: 'workerd', place: 'Worker' },
  ],
  [...browser('chromium', 'Chromium'), ...browser('firefox', 'Firefox'), ...browser('webkit', 'WebKitGTK')],
];

/** The behaviours, by the first word of the case names. */
const BEHAVIOURS = {
  address: 'Addresses',
  connect: 'Connecting',
  protocols: 'Subprotocols',
  messages: 'Messages',
  readers: 'Polling and iterating',
  handlers: 'Handlers',
  close: 'Closing',
  reconnect: 'Reconnecting',
  outbox: 'Sending, bounded',
  inbox: 'Receiving, bounded',
  liveness: 'Liveness',
  options: 'Options',
  streams: 'Streams',
  bus: 'Bus',
  platform: 'Entry point',
};

/** The facts, by their name in test/conformance/facts.ts; docs/platforms.md explains each. */
export const ABILITIES = {
  hasPing: 'Pings without a session',
  hasPause: 'Stops the sender without a session',
  tellsWhy: 'Reports why connecting failed',
  tellsProtocolErrors: 'Names protocol errors',
  sendsAllCodes: 'Sends close codes 1001 to 1014',
  readsWhileClosing: 'Reads while closing',
  knowsLaterCodes: 'Accepts close codes 1012 and 1013',
  knowsBadGateway: 'Accepts close code 1014',
  followsRedirects: 'Follows redirects, against the standard',
  keepsByteOrderMark: 'Keeps a leading U+FEFF',
  checksUtf8: 'Refuses invalid UTF-8',
  answersEveryPing: 'A pong for every ping',
  dialsOnce: 'One handshake at a 401',
  isNode: 'Headers, TLS options, signals',
};

/** @param runs as the files in test-results/conformance have them, see test/conformance/results.ts. */
export function summaryOf(runs) {
  return TABLES.map((columns) =>
    columns.map(({ platform, home }) => {
      const [plain, session] = ['plain', 'session'].map((link) =>
        runs.find((run) => run.platform === platform && run.home === home && run.link === link),
      );
      const version = plain?.version ?? session?.version ?? '';
      return { platform, home, version, can: plain?.facts ?? {}, plain: countsOf(plain), session: countsOf(session) };
    }),
  );
}

/** The number of passed cases and of all cases, by behaviour: "20/20". */
function countsOf(run) {
  const counts = {};
  for (const { name, failure } of run?.results ?? []) {
    const behaviour = name.slice(0, name.indexOf(':'));
    const [passed, all] = (counts[behaviour] ?? '0/0').split('/').map(Number);
    counts[behaviour] = `${passed + (failure === undefined ? 1 : 0)}/${all + 1}`;
  }
  return counts;
}

/** The problems of a summary: missing runs, and cases that failed. */
export function problemsOf(summary) {
  return summary.flat().flatMap(({ platform, home, plain, session }) =>
    Object.entries({ plain, session }).flatMap(([link, counts]) => {
      const where = [platform, home, link].filter(Boolean).join('-');
      if (Object.keys(counts).length === 0) return [`${where}: it did not run`];
      return Object.entries(counts).flatMap(([behaviour, count]) => (isWhole(count) ? [] : [`${where}: ${behaviour} ${count}`]));
    }),
  );
}

/** @returns the tables in Markdown that is also readable in a terminal. */
export function tablesOf(summary) {
  return summary.map((entries, index) => table(rowsOf(TABLES[index], entries))).join('\n\n');
}

function rowsOf(columns, entries) {
  const row = (title, cell) => [title, ...entries.map(cell)];
  return [
    ['', ...columns.map(({ title }) => title)],
    ['', ...columns.map(({ place }) => place)],
    row('Version', ({ version }) => (version === '' ? 'missing' : version)),
    ...Object.entries(BEHAVIOURS).map(([key, title]) => row(title, ({ plain, session }) => mark(plain[key], session[key]))),
    row('Cases, plain', ({ plain }) => total(plain)),
    row('Cases, with a session', ({ session }) => total(session)),
    ...Object.keys(Object.assign({}, ...entries.map(({ can }) => can))).map((key) =>
      row(ABILITIES[key], ({ can }) => (can[key] ? '✓' : '–')),
    ),
  ];
}

function mark(...counts) {
  const present = counts.filter((count) => count !== undefined);
  if (present.length === 0) return '';
  return present.every(isWhole) ? '✓' : `✗ ${present.find((count) => !isWhole(count))}`;
}

function isWhole(count) {
  const [passed, all] = count.split('/');
  return passed === all;
}

function total(counts) {
  const sum = (index) => Object.values(counts).reduce((all, count) => all + Number(count.split('/')[index]), 0);
  return `${sum(0)}/${sum(1)}`;
}

export function table([head, ...rows]) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** @returns a sentence with the platforms of a matrix without problems and the number of cases that each of them passes. */
export function lineOf(summary) {
  const titles = [...new Set(TABLES.flat().map(({ title }) => title))];
  const nodes = titles.filter((title) => title.startsWith('Node ')).map((title) => Number(title.slice('Node '.length)));
  const others = titles.filter((title) => !title.startsWith('Node '));
  const last = others.pop();
  const fewest = (link) => Math.min(...summary.flat().map((entry) => Number(total(entry[link]).split('/')[1])));
  return [
    `Tested on Node ${Math.min(...nodes)} to ${Math.max(...nodes)}, ${others.join(', ')} and ${last}:`,
    `one suite of ${fewest('plain')} cases, ${fewest('session')} of them also with a session, passes on each.`,
  ].join(' ');
}

const BEGIN = '<!-- platforms: written by `npm run test:platforms -- --write` -->';
const END = '<!-- /platforms -->';

/** The document with the text inserted between its two markers. */
export function withPlatforms(document, text) {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`There is no ${BEGIN} … ${END} to write between.`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${document.slice(end)}`;
}
