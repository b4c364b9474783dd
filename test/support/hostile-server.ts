import type { Socket } from 'node:net';
import { encodeControl } from '../../src/session/controls.js';
import { closeFrame, frame, Opcode, type RawServer, rawServer, switchingProtocols } from './raw-peer.js';

/** The actions of a hostile server on an open connection. */
export type Malice = (socket: Socket, hasSession: boolean) => void;

const message = (text: string, hasSession: boolean) =>
  hasSession ? frame(Opcode.binary, Buffer.concat([Buffer.of((text.length << 4) | 1), Buffer.from(text)])) : frame(Opcode.text, text);

/** Ways to treat a client. After the first four it reconnects; the others are final. */
export const malice = {
  floods: (socket, hasSession) => {
    // The example that reads one message per frame has to read them all.
    socket.end(Buffer.concat(Array.from({ length: 300 }, () => message('x', hasSession))));
  },
  breaksOff: (socket) => socket.end(frame(Opcode.text, 'half of this').subarray(0, 6)),
  vanishes: (socket) => socket.resetAndDestroy(),
  leaves: (socket) => socket.end(closeFrame(1001)),
  talksNonsense: (socket) => socket.end(frame(3, 'a reserved opcode')),
  refuses: (socket, hasSession) => socket.end(Buffer.concat([message('go away', hasSession), closeFrame(1008)])),
} satisfies Record<string, Malice>;

/** Treats its first connections as given, one after the other, and every later one like the last. */
export function hostileServer(...treatments: readonly [Malice, ...Malice[]]): Promise<RawServer> {
  let connections = 0;
  return rawServer((socket, request) => {
    const treat = treatments[Math.min(connections, treatments.length - 1)] as Malice;
    connections += 1;
    const hasSession = /^sec-websocket-protocol: gem\.1/im.test(request);
    if (!hasSession) {
      socket.write(switchingProtocols(request), () => treat(socket, false));
      return;
    }
    socket.write(switchingProtocols(request, 'Sec-WebSocket-Protocol: gem.1'));
    // The session is open once HELLO, or a RESUME, is answered.
    socket.once('data', () => socket.write(frame(Opcode.binary, welcome()), () => treat(socket, true)));
  });
}

function welcome(): Uint8Array {
  const [id, secret] = [new Uint8Array(16), new Uint8Array(16)];
  const terms = { initialCredit: 65_536, maxMessageBytes: 65_536, resumeWindowMs: 1_000, outcome: 0, lost: undefined, protocol: '' };
  return encodeControl({ is: 'welcome', id, secret, ...terms });
}
