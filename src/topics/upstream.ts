import type { RelayedTab } from '../core/extension.js';

/** A request of a tab. */
export interface Route {
  readonly tab: RelayedTab;
  readonly request: number;
  /** The number by which the tab knows the feed. */
  readonly feed: number;
  /** Of a subscription, since its grant: the cost that the tab allows and has received, and its messages. */
  limit: number;
  cost: number;
  messages: number;
}

/** A request of the worker: for one tab, or for several that subscribe to the same topic. */
export class Upstream {
  readonly request: number;
  readonly subtype: number;
  readonly topic: string;
  /** Where a subscription begins. */
  readonly start: string;
  /** The tabs have had their grants, and learn nothing of this one. */
  readonly isRepeated: boolean;
  readonly routes = new Set<Route>();
  isGranted = false;
  feed: number | undefined;
  /** Position of the last message, once it is granted. */
  position = '';
  /** The cost that the worker allows. */
  limit: number;
  #cost = 0;
  #messages = 0;

  constructor(request: number, subtype: number, topic = '', start = '', limit = 0, isRepeated = false) {
    this.request = request;
    this.subtype = subtype;
    this.topic = topic;
    this.start = start;
    this.limit = limit;
    this.isRepeated = isRepeated;
  }

  get cost(): number {
    return this.#cost;
  }

  /** What the slowest of the tabs allows. */
  get wantedLimit(): number {
    return this.#cost + Math.min(...[...this.routes].map(({ limit, cost }) => limit - cost));
  }

  /** Tabs that have no room, while others do. */
  get slowRoutes(): readonly Route[] {
    const slow = [...this.routes].filter(({ limit, cost }) => cost >= limit);
    return slow.length === this.routes.size ? [] : slow;
  }

  add(tab: RelayedTab, request: number, limit = 0): Route {
    const route: Route = { tab, request, feed: this.request, limit, cost: 0, messages: 0 };
    this.routes.add(route);
    return route;
  }

  /** A message of the topic has arrived for all tabs. */
  received(position: string, cost: number): void {
    this.position = position;
    this.#cost += cost;
    this.#messages += 1;
    for (const route of this.routes) {
      route.cost += cost;
      route.messages += 1;
    }
  }

  /** A total of the worker's subscription as that of a tab's. 0 stays: it is no total. */
  totalOf(route: Route, total: number): number {
    return total === 0 ? 0 : Math.max(0, route.messages + total - this.#messages);
  }
}
