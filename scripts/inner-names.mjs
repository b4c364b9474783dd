/** A Rollup plugin that shortens the names of properties that only this package reads. */
import { transform } from 'esbuild';

/**
 * A name belongs here if it is none of these: a part of the public interface, of the context of an error or of a post between a tab
 * and the shared worker; a property of the platform, such as `closed` or `random`; a string in the code, such as the name of an option.
 */
const innerNames = `
  acceptsNodeOptions action addError after alive attach become channel checkRoom clock consumed control current deliver detach
  detachTransport dialed emit ended exiting fail failures finished flush goodbye handlerFailed hasOpened heldBytes hold holdsPeer
  isDone isEmpty isEnding isFinal isFirst isOver isWanted iterate keepsUp lifecycle look makeConnection makeEndOfTurn makeInboxQueue
  maxFrameBytes onFinished openTransport otherOptions peek promise protocolOf ready recover recovery replaceable reports
  reportsFirstFailure resumes retryAfter retryAfterMs sent setHandler shed sink startConnectTimer stateChanged tell touch
  transportEvents unheard unsent

  acknowledge announce answer available batcher bytesOf chunkBytes credit endTurn fits flushScheduler forget grant hasSession
  hasVolatile incoming inherit initial initialCredit isBehind isDue isIdle isOwed isReplaying isResumed isSound isUseful numbered
  outgoing pinger progress receive rewind sendBatch sendControl spend terms transportMarkBytes varint wrote

  askOf beginEpoch canHold fellBehind fullSince hasUnread isJoined isLeaving isLocal retriesNow settled tabPort unpack unsettled
  whenFree whenSettled
`.match(/\w+/g);

const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const shortNames = [...letters, ...letters.map((letter) => `${letter}_`), ...letters.map((letter) => `${letter}$`)];

/** The same short names in every file, because an object passes from one to another. */
const shortened = Object.fromEntries(innerNames.map((name, index) => [name, shortNames[index]]));

const anyName = innerNames.join('|');

/** A name in a string keeps its length, so a property that is read by that string must, too. `"name" in value` is shortened. */
const inStrings = new RegExp(`(["'])(?:${anyName})\\1(?!\\s*in\\b)`);

/** @param options more options of esbuild's transform. */
export function shortInnerNames(options) {
  return {
    name: 'short-inner-names',
    renderChunk(code, { fileName }) {
      const [text] = inStrings.exec(code) ?? [];
      if (text !== undefined) throw new Error(`${fileName} has ${text} as a string: remove it from the inner names`);
      return transform(code, {
        ...options,
        target: 'es2022',
        charset: 'utf8',
        sourcefile: fileName,
        sourcemap: 'external',
        mangleProps: new RegExp(`^(?:${anyName})$`),
        mangleQuoted: true,
        mangleCache: shortened,
      });
    },
  };
}
