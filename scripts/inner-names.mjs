/** A Rollup plugin that shortens the names of properties that only this package reads. */
import { transform } from 'esbuild';

/**
 * A name belongs here if it is none of these: a part of the public interface, of the context of an error or of a post between a tab
 * and the shared worker; a property of the platform, such as `closed` or `random`; a string in the code, such as the name of an option.
 */
const innerNames = `
  acceptsNodeOptions action addError alive attach become channel checkRoom clock consumed control current deliver detach detachTransport dialed emit ended exiting fail
  failed failures finished goodbye handlerFailed hasOpened heldBytes hold holdsPeer isDone isEmpty isEnding isFinal isFirst isOver
  isWanted iterate keepsUp lifecycle look makeConnection makeEndOfTurn makeInboxQueue maxFrameBytes measured onFinished openTransport otherOptions
  peek promise protocolOf ready recover recovery replaceable reports reportsFirstFailure resumes retryAfter retryAfterMs retrying sent
  setHandler shed sink startConnectTimer stateChanged suspended tell terminate touch transportEvents unheard unsent woken

  acknowledge announce answer available batcher bytesOf chunkBytes credit endTurn fits flushScheduler forget grant hasSession hasVolatile
  incoming inherit initial initialCredit isBehind isDue isIdle isOwed isReplaying isResumed isSound isUseful numbered outgoing pinger
  progress receive rewind sendBatch sendControl spend terms transportMarkBytes varint wrote

  askOf beginEpoch canHold fellBehind fullSince hasUnread isJoined isLeaving isLocal retriesNow settled tabPort unpack unsettled
  whenFree whenSettled
`.match(/\w+/g);

const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const shortNames = [...letters, ...letters.map((letter) => `${letter}_`), ...letters.map((letter) => `${letter}$`)];

/** The same short names in every file, because an object passes from one to another. */
const shortened = Object.fromEntries(innerNames.map((name, index) => [name, shortNames[index]]));

/** @param options more options of esbuild's transform. */
export function shortInnerNames(options) {
  return {
    name: 'short-inner-names',
    renderChunk: (code, { fileName }) =>
      transform(code, {
        ...options,
        target: 'es2022',
        charset: 'utf8',
        sourcefile: fileName,
        sourcemap: 'external',
        mangleProps: new RegExp(`^(?:${innerNames.join('|')})$`),
        mangleQuoted: true,
        mangleCache: shortened,
      }),
  };
}
