import type { Clock } from '../core/clock.js';
import type { Extension, RecordPort, RecordRelay, RelayedTab } from '../core/extension.js';
import { Queue } from '../core/queue.js';
import { FieldReader } from '../session/codec.js';
import * as Kind from '../session/record-kind.js';
import {
  CONTINUITY,
  ENTRY,
  encodeBody,
  FROM_NOW,
  FROM_POSITION,
  GRANTED,
  MAX_POSITION_BYTES,
  MAX_TOPIC_BYTES,
  MEMBERS,
  OUTCOME_NONE,
  PUBLISH,
  PUBLISHED,
  REFUSED,
  REVOKED,
  STOP,
  SUBSCRIBE,
  UPDATE,
  WINDOW,
  windowCost,
} from './records.js';
import { type Route, Upstream } from './upstream.js';

/** How long a tab that does not read may stop the others. Then it gets a subscription of its own, at its position. */
const SLOW_TAB_MS = 1_000;

/**
 * Carries the records of topics between the tabs and the session of their worker. Tabs that subscribe to one topic and keep up share
 * one subscription of the worker; a tab speaks to the relay as it would to a server.
 */
export class TabRelay implements Extension, RecordRelay {
  readonly #port: RecordPort;
  readonly #clock: Clock;
  readonly #upstreams = new Map<number, Upstream>();
  readonly #waiting = new Queue<Uint8Array<ArrayBuffer>>();
  #last = 0;

  constructor(port: RecordPort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  get features(): number {
    return this.#port.features;
  }

  get maxBodyBytes(): number {
    return this.#port.maxBodyBytes;
  }

  /** A record of a tab. */
  fromTab(tab: RelayedTab, kind: number, body: Uint8Array): void {
    const fields = new FieldReader(body, 0, body.length);
    const subtype = fields.varint();
    const request = fields.varint();
    if (subtype === SUBSCRIBE) this.#subscribe(tab, request, fields);
    else if (subtype === STOP) this.#end(tab, request);
    else if (subtype === WINDOW) this.#allow(tab, request, fields.varint());
    else this.#forward(tab, kind, subtype, request, fields.rest());
  }

  left(tab: RelayedTab): void {
    for (const upstream of [...this.#upstreams.values()]) {
      for (const route of [...upstream.routes]) if (route.tab === tab) this.#leave(upstream, route);
    }
  }

  receive(kind: number, bytes: Uint8Array, start: number, end: number): string | undefined {
    if (kind !== Kind.topic && kind !== Kind.transient) return undefined;
    const fields = new FieldReader(bytes, start, end);
    const subtype = fields.varint();
    const number = fields.varint();
    if (subtype === ENTRY || subtype === MEMBERS) {
      const rest = fields.rest().slice();
      for (const upstream of this.#upstreams.values()) if (upstream.feed === number) this.#fed(upstream, kind, subtype, rest);
    } else this.#answered(this.#upstreams.get(number), subtype, fields);
    return fields.isSound ? undefined : 'an invalid record of a topic';
  }

  /** In a new session the tabs ask again. */
  opened(isResumed: boolean): void {
    if (isResumed) return;
    this.#upstreams.clear();
    this.#waiting.clear();
  }

  detached(): void {}

  ended(): void {
    this.#upstreams.clear();
  }

  pump(): boolean {
    const record = this.#waiting.peek();
    if (record === undefined || !this.#port.write(Kind.topic, record)) return false;
    this.#waiting.shift();
    return true;
  }

  #send(record: Uint8Array<ArrayBuffer>): void {
    this.#waiting.push(record);
    this.#port.due();
  }

  #add(subtype: number, topic?: string, start?: string, limit?: number, isRepeated?: boolean): Upstream {
    this.#last += 1;
    const upstream = new Upstream(this.#last, subtype, topic, start, limit, isRepeated);
    this.#upstreams.set(this.#last, upstream);
    return upstream;
  }

  #subscribe(tab: RelayedTab, request: number, fields: FieldReader): void {
    const limit = fields.varint();
    const topic = fields.string(MAX_TOPIC_BYTES);
    const from = fields.varint();
    const position = from === FROM_POSITION ? fields.string(MAX_POSITION_BYTES) : '';
    this.#end(tab, request);
    const start = `${from} ${position}`;
    const found = this.#shareable(topic, from, position, start);
    const upstream = found ?? this.#add(SUBSCRIBE, topic, start, limit);
    const route = upstream.add(tab, request, limit);
    if (found === undefined) this.#ask(upstream, limit, from === FROM_POSITION ? [from, position] : [from]);
    else if (found.isGranted) this.#tell(route, [GRANTED, request, route.feed, found.position, from === FROM_NOW ? OUTCOME_NONE : 1, 0, 1]);
  }

  /** A subscription of the worker that is, or will be, where the tab wants to begin. */
  #shareable(topic: string, from: number, position: string, start: string): Upstream | undefined {
    for (const upstream of this.#upstreams.values()) {
      if (upstream.subtype !== SUBSCRIBE || upstream.topic !== topic || upstream.isRepeated) continue;
      const isThere = from === FROM_NOW || (position !== '' && position === upstream.position);
      if (upstream.isGranted ? isThere : upstream.start === start) return upstream;
    }
    return undefined;
  }

  #ask({ request, topic }: Upstream, limit: number, from: readonly (number | string)[]): void {
    this.#send(encodeBody([SUBSCRIBE, request, limit, topic, ...from]));
  }

  #allow(tab: RelayedTab, request: number, limit: number): void {
    const [upstream, route] = this.#routeOf(tab, request) ?? [];
    if (upstream === undefined || route === undefined) return;
    route.limit = Math.max(route.limit, limit);
    this.#widen(upstream);
  }

  /** The worker allows what the slowest of its tabs allows. */
  #widen(upstream: Upstream): void {
    const { wantedLimit } = upstream;
    if (wantedLimit <= upstream.limit || upstream.routes.size === 0) return;
    upstream.limit = wantedLimit;
    this.#send(encodeBody([WINDOW, upstream.request, wantedLimit]));
  }

  /** A publish, a presence, or an update of one. */
  #forward(tab: RelayedTab, kind: number, subtype: number, request: number, rest: Uint8Array): void {
    const known = subtype === UPDATE ? this.#routeOf(tab, request)?.[0] : undefined;
    if (subtype === UPDATE && known === undefined) return;
    if (known === undefined) this.#end(tab, request);
    const upstream = known ?? this.#add(subtype);
    if (known === undefined) upstream.add(tab, request);
    const record = encodeBody([subtype, upstream.request], rest);
    if (kind === Kind.topic) this.#send(record);
    else if (!this.#port.write(kind, record)) {
      // A volatile message is sent at once or not at all.
      this.#upstreams.delete(upstream.request);
      tab.record(Kind.topic, encodeBody([PUBLISHED, request, '']));
    }
  }

  #fed(upstream: Upstream, kind: number, subtype: number, rest: Uint8Array<ArrayBuffer>): void {
    if (subtype === ENTRY) {
      const fields = new FieldReader(rest, 0, rest.length);
      const position = fields.string(MAX_POSITION_BYTES);
      // The type of the message is no part of it.
      if (position !== '') upstream.received(position, windowCost(fields.rest().length - 1));
    }
    for (const { tab, feed } of upstream.routes) tab.record(kind, encodeBody([subtype, feed], rest));
    if (upstream.cost >= upstream.limit && upstream.routes.size > 1) this.#watch(upstream);
  }

  /** Some tab has no room: the others wait for it for a moment only. */
  #watch(upstream: Upstream): void {
    const { cost } = upstream;
    this.#clock.after(SLOW_TAB_MS, () => {
      const isStuck = this.#upstreams.get(upstream.request) === upstream && upstream.cost === cost;
      if (!isStuck) return;
      for (const route of upstream.slowRoutes) this.#split(upstream, route);
      this.#widen(upstream);
    });
  }

  /** The tab goes on in a subscription of its own. */
  #split(from: Upstream, route: Route): void {
    from.routes.delete(route);
    const limit = Math.max(0, route.limit - route.cost);
    const upstream = this.#add(SUBSCRIBE, from.topic, '', limit, true);
    upstream.routes.add(route);
    this.#ask(upstream, limit, [FROM_POSITION, from.position]);
  }

  #answered(upstream: Upstream | undefined, subtype: number, fields: FieldReader): void {
    if (upstream === undefined) return;
    if (subtype === GRANTED) this.#granted(upstream, fields);
    else if (subtype === CONTINUITY) this.#continued(upstream, fields);
    else {
      const rest = fields.rest();
      for (const { tab, request } of upstream.routes) tab.record(Kind.topic, encodeBody([subtype, request], rest));
      if (subtype === REFUSED || subtype === REVOKED || subtype === PUBLISHED) this.#upstreams.delete(upstream.request);
    }
  }

  #granted(upstream: Upstream, fields: FieldReader): void {
    upstream.feed = fields.varint();
    upstream.isGranted = true;
    const rest = fields.rest();
    if (upstream.subtype === SUBSCRIBE) upstream.position = new FieldReader(rest, 0, rest.length).string(MAX_POSITION_BYTES);
    for (const route of upstream.routes) {
      if (!upstream.isRepeated) route.tab.record(Kind.topic, encodeBody([GRANTED, route.request, route.feed], rest));
    }
  }

  /** The figures of the worker's subscription as those of each tab's. */
  #continued(upstream: Upstream, fields: FieldReader): void {
    const [outcome, total, lost] = [fields.varint(), fields.varint(), fields.varint()];
    for (const route of upstream.routes) {
      this.#tell(route, [CONTINUITY, route.request, outcome, upstream.totalOf(route, total), lost]);
    }
  }

  #tell({ tab }: Route, fields: readonly (number | string)[]): void {
    tab.record(Kind.topic, encodeBody(fields));
  }

  #end(tab: RelayedTab, request: number): void {
    const [upstream, route] = this.#routeOf(tab, request) ?? [];
    if (upstream !== undefined && route !== undefined) this.#leave(upstream, route);
  }

  #leave(upstream: Upstream, route: Route): void {
    upstream.routes.delete(route);
    if (upstream.routes.size > 0) this.#widen(upstream);
    else {
      // A publish cannot be taken back.
      if (upstream.subtype !== PUBLISH) this.#send(encodeBody([STOP, upstream.request]));
      this.#upstreams.delete(upstream.request);
    }
  }

  #routeOf(tab: RelayedTab, request: number): [Upstream, Route] | undefined {
    for (const upstream of this.#upstreams.values()) {
      for (const route of upstream.routes) if (route.tab === tab && route.request === request) return [upstream, route];
    }
    return undefined;
  }
}
