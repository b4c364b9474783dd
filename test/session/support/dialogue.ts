import { expect } from 'vitest';
import type { Continuity, Message } from '../../../src/core/types.js';
import type { CableEnd } from './cable.js';
import type { Side } from './sides.js';
import { bytesOf, textOf, type VectorBytes, type VectorText } from './vectors.js';
import { readAll } from './world.js';

export type VectorMessage = VectorText | { readonly hex: string };

/** A step of a session: README.md of the vectors. */
export interface Step {
  readonly open?: true;
  readonly theirs?: VectorBytes;
  readonly ours?: VectorBytes;
  readonly send?: readonly VectorMessage[];
  readonly reads?: readonly VectorMessage[];
  readonly break?: true;
  readonly close?: { readonly code: number; readonly reason: string };
  readonly closes?: number;
  readonly closed?: { readonly code: number; readonly reason: string };
  readonly wire?: number;
  readonly receipt?: Partial<Continuity>;
  readonly undelivered?: readonly VectorMessage[];
}

export interface Dialogue<S extends Step = Step> {
  readonly name: string;
  readonly role: 'client' | 'server';
  readonly steps: readonly S[];
}

/** What happens to the side in a step. */
export function act(side: Side, step: Step): void {
  const end = endOf(side, step);
  if (step.open) side.open();
  if (step.theirs !== undefined) end?.events?.received(bytesOf(step.theirs), 0);
  if (step.break) end?.lose();
  for (const message of step.send ?? []) {
    const sent = messageOf(message);
    if (typeof sent === 'string') side.client.sendMessage(sent);
    else side.client.sendMessageBinary(sent);
  }
  if (step.close !== undefined) void side.client.close(step.close.code, step.close.reason);
}

/** What the application and the WebSocket see of it, the bytes apart. */
export function check(side: Side, step: Step): void {
  if (step.reads !== undefined) expect(readAll(side.client)).toEqual(step.reads.map(messageOf));
  if (step.undelivered !== undefined) expect(side.undelivered.splice(0)).toEqual(step.undelivered.map(messageOf));
  if (step.receipt !== undefined) expect(side.receipts.shift()).toMatchObject(step.receipt);
  if (step.closes !== undefined) expect(endOf(side, step)?.closedWith).toMatchObject({ code: step.closes });
  if (step.closed !== undefined) expect(side.closed).toMatchObject(step.closed);
}

export function messageOf(message: VectorMessage): Message {
  return typeof message === 'object' && 'hex' in message ? bytesOf(message.hex) : textOf(message);
}

function endOf(side: Side, { wire }: Step): CableEnd | undefined {
  return wire === undefined ? side.ends.at(-1) : side.ends[wire - 1];
}
