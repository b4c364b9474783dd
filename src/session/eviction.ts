/** The owner of a session, for the bounds of each address and each user. An undefined one is unknown, and has no bound. */
export interface SessionOwner {
  readonly address?: string | undefined;
  readonly user?: string | undefined;
}

/** Keys of detached sessions, in the order of their eviction. */
export class EvictionOrder {
  /** Hardly used sessions are evicted before the others: an attacker can begin thousands in a second. */
  readonly #hardlyUsed = new Set<string>();
  readonly #used = new Set<string>();

  get size(): number {
    return this.#hardlyUsed.size + this.#used.size;
  }

  add(key: string, isUsed: boolean): void {
    (isUsed ? this.#used : this.#hardlyUsed).add(key);
  }

  delete(key: string): void {
    if (!this.#hardlyUsed.delete(key)) this.#used.delete(key);
  }

  /** The session to evict next. */
  first(): string | undefined {
    for (const keys of [this.#hardlyUsed, this.#used]) for (const key of keys) return key;
    return undefined;
  }
}

/** The order of eviction of all sessions of a server, and of those of each address and each user. */
export class EvictionOrders {
  readonly all = new EvictionOrder();
  readonly #owners = new Map<string, SessionOwner>();
  readonly #groups = { address: new Map<string, EvictionOrder>(), user: new Map<string, EvictionOrder>() };

  /** @param isUsed false: is evicted before those that are used. */
  add(key: string, isUsed: boolean, owner: SessionOwner): void {
    this.#owners.set(key, owner);
    this.all.add(key, isUsed);
    for (const group of GROUPS) {
      const name = owner[group];
      if (name === undefined) continue;
      const order = this.of(group, name);
      order.add(key, isUsed);
      this.#groups[group].set(name, order);
    }
  }

  delete(key: string): void {
    const owner = this.#owners.get(key);
    this.#owners.delete(key);
    this.all.delete(key);
    for (const group of GROUPS) {
      const name = owner?.[group];
      if (name === undefined) continue;
      const order = this.of(group, name);
      order.delete(key);
      if (order.size === 0) this.#groups[group].delete(name);
    }
  }

  of(group: keyof SessionOwner, name: string | undefined): EvictionOrder {
    return (name === undefined ? undefined : this.#groups[group].get(name)) ?? new EvictionOrder();
  }
}

const GROUPS = ['address', 'user'] as const;
