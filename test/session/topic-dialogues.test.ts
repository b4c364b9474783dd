import { describe, expect, it, vi } from 'vitest';
import * as Kind from '../../src/session/record-kind.js';
import { limit } from '../support/pace.js';
import { act, check, type Dialogue, messageOf, type Step, type VectorMessage } from './support/dialogue.js';
import { without } from './support/sides.js';
import { settle, TopicClientSide, TopicServerSide, type VectorContinuity } from './support/topic-sides.js';
import { bytesOf, vectors } from './support/vectors.js';

/** A step of a session with topics: README.md of the vectors. */
interface TopicStep extends Step {
  readonly subscribe?: { readonly topic: string; readonly from?: string; readonly window?: number };
  readonly unsubscribe?: string;
  readonly publish?: { readonly topic: string; readonly message: VectorMessage; readonly volatile?: boolean };
  readonly revoke?: string;
  readonly join?: { readonly topic: string; readonly data: unknown };
  readonly update?: { readonly topic: string; readonly data: unknown };
  readonly leave?: string;
  readonly members?: { readonly topic: string; readonly members: readonly Readonly<Record<string, unknown>>[] };
  readonly granted?: { readonly topic: string; readonly position: string };
  readonly refused?: { readonly topic: string; readonly reason: number | null };
  readonly revoked?: string;
  readonly published?: { readonly topic: string; readonly position: string };
  readonly continuity?: VectorContinuity & { readonly topic: string };
  readonly topicReads?: { readonly topic: string; readonly messages: readonly VectorMessage[] };
}

type TopicSide = TopicClientSide | TopicServerSide;

const NOT_COMPARED = [Kind.ping, Kind.ack, Kind.credit];

function actOnPresence(side: TopicClientSide, { join, update, leave }: TopicStep): void {
  if (join !== undefined) side.join(join.topic, join.data);
  if (update !== undefined) void side.presences.get(update.topic)?.update(update.data);
  if (leave !== undefined) void side.presences.get(leave)?.leave();
}

function actOnTopics(side: TopicSide, { subscribe, unsubscribe, publish, revoke }: TopicStep): void {
  const message = publish === undefined ? '' : messageOf(publish.message);
  if (side instanceof TopicClientSide) {
    if (subscribe !== undefined) side.subscribe(subscribe.topic, subscribe.from ?? 'now', subscribe.window ?? 262_144);
    if (unsubscribe !== undefined) void side.subscriptions.get(unsubscribe)?.unsubscribe();
    if (publish !== undefined) side.publish(publish.topic, message, publish.volatile === true);
  } else {
    if (publish !== undefined) void side.topics.publish(publish.topic, message as string, { volatile: publish.volatile });
    if (revoke !== undefined) void side.topics.revoke(revoke, 'anyone');
  }
}

function checkTopics(side: TopicClientSide, step: TopicStep): void {
  const { members, granted, refused, revoked, published, continuity, topicReads } = step;
  if (members !== undefined) expect(side.membersOf(members.topic)).toEqual(members.members);
  if (granted !== undefined) expect(side.granted.get(granted.topic)).toBe(granted.position);
  if (refused !== undefined) expect(side.refusals.shift()).toEqual(refused);
  if (revoked !== undefined) expect(side.revoked.shift()).toBe(revoked);
  if (published !== undefined) expect(side.published.shift()).toBe(published.position);
  if (continuity !== undefined) expect(side.continuities.shift()).toEqual(continuity);
  if (topicReads !== undefined)
    expect(side.topicReads(topicReads.topic, topicReads.messages.length)).toEqual(topicReads.messages.map(messageOf));
}

/** The server sends changes of members in batches, a moment later. */
async function expectOurs(side: TopicSide, expected: string, step: string): Promise<void> {
  let said = side.said(NOT_COMPARED);
  await vi.waitFor(
    async () => {
      await settle(side);
      said += side.said(NOT_COMPARED);
      expect(said, step).toBe(expected);
    },
    { timeout: limit(2_000), interval: 5 },
  );
}

describe('topic-dialogues.json', () => {
  it.each(vectors<Dialogue<TopicStep>>('topic-dialogues'))('$role: $name', async ({ role, steps }) => {
    const side = role === 'client' ? new TopicClientSide() : new TopicServerSide();
    for (const [index, step] of steps.entries()) {
      act(side, step);
      actOnTopics(side, step);
      if (side instanceof TopicClientSide) actOnPresence(side, step);
      await settle(side);
      if (step.ours !== undefined) await expectOurs(side, without(bytesOf(step.ours), NOT_COMPARED), `step ${index}`);
      check(side, step);
      if (side instanceof TopicClientSide) checkTopics(side, step);
    }
  });
});
