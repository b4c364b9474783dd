import { MAX_BODY_BYTES } from '../session/codec.js';
import * as Kind from '../session/record-kind.js';
import { encodeBody, MEMBERS, MORE, SNAPSHOT } from '../topics/records.js';
import type { Broadcast } from './broadcast.js';
import { type EncodedEntry, sharedEntry } from './topic.js';

type Bytes = Uint8Array<ArrayBuffer>;

/** Room for the fields before the members of a record. */
const HEAD_BYTES = 32;

/**
 * Encodes members as records of a feed, each small enough that it is not fragmented: many sessions send the same bytes.
 *
 * @param isSnapshot the members are all of the topic.
 */
export function memberRecords(broadcast: Broadcast, feed: number, members: readonly Bytes[], isSnapshot: boolean): EncodedEntry[] {
  const groups = grouped(members);
  return groups.map((group, index) => {
    const begins = isSnapshot && index === 0 ? SNAPSHOT : 0;
    const continues = isSnapshot && index < groups.length - 1 ? MORE : 0;
    return sharedEntry(broadcast, Kind.topic, encodeBody([MEMBERS, feed, begins + continues, group.length]), Buffer.concat(group));
  });
}

/** At least one group, which may be empty. */
function grouped(members: readonly Bytes[]): Bytes[][] {
  let group: Bytes[] = [];
  const groups = [group];
  let bytes = HEAD_BYTES;
  for (const member of members) {
    if (bytes + member.length > MAX_BODY_BYTES) {
      group = [];
      groups.push(group);
      bytes = HEAD_BYTES;
    }
    group.push(member);
    bytes += member.length;
  }
  return groups;
}
