import { describe, expect, it, test } from 'vitest';
import { publicAddress, resolveAddress } from '../../../src/core/address.js';
import { everythingIn, thrown } from '../../support/thrown.js';

describe('an accepted address', () => {
  test.each([
    ['example.com', 'wss://example.com/'],
    ['localhost', 'wss://localhost/'],
    ['example.com:8443', 'wss://example.com:8443/'],
    ['example.com:443', 'wss://example.com/'],
    ['example.com:1', 'wss://example.com:1/'],
    ['example.com:65535', 'wss://example.com:65535/'],
    ['example.com/path', 'wss://example.com/path'],
    ['example.com:8443/path/to?room=1', 'wss://example.com:8443/path/to?room=1'],
    ['127.0.0.1:8080', 'wss://127.0.0.1:8080/'],
    ['[::1]', 'wss://[::1]/'],
    ['[::1]:8080/path', 'wss://[::1]:8080/path'],
    ['wss://example.com', 'wss://example.com/'],
    ['WSS://Example.com/Path', 'wss://example.com/Path'],
    ['wss://[2001:db8::1]:9/x', 'wss://[2001:db8::1]:9/x'],
    ['  example.com \n', 'wss://example.com/'],
    ['bücher.example', 'wss://xn--bcher-kva.example/'],
  ])('%s with the secure type', (address, href) => {
    expect(resolveAddress(address, 'secure').href).toBe(href);
  });

  test.each([
    ['example.com', 'ws://example.com/'],
    ['example.com:80', 'ws://example.com/'],
    ['[::1]:8080', 'ws://[::1]:8080/'],
    ['ws://example.com/a', 'ws://example.com/a'],
    ['wss://example.com/a', 'wss://example.com/a'],
  ])('%s with the insecure type', (address, href) => {
    expect(resolveAddress(address, 'insecure').href).toBe(href);
  });

  it('may be a URL object, which is not modified', () => {
    const url = new URL('wss://example.com:8443/a?b=c');
    expect(resolveAddress(url, 'secure').href).toBe('wss://example.com:8443/a?b=c');
    expect(resolveAddress(new URL('ws://example.com'), 'insecure').href).toBe('ws://example.com/');
  });
});

describe('a rejected address', () => {
  test.each([
    ['', /empty/],
    ['   ', /empty/],
    ['http://example.com', /scheme http:/],
    ['https://example.com', /scheme https:/],
    ['ftp://example.com', /scheme ftp:/],
    ['wss://example.com/#part', /fragment/],
    ['wss://example.com/#', /fragment/],
    ['example.com#part', /fragment/],
    ['wss://user@example.com', /user name or password/],
    ['wss://user:secret@example.com', /user name or password/],
    ['user:secret@example.com', /user name or password/],
    ['wss://:secret@example.com', /user name or password/],
    ['example.com:0', /port 0/],
    ['wss://example.com:0/path', /port 0/],
    ['example.com:70000', /1 to 65535/],
    ['example.com:65536', /1 to 65535/],
    ['example.com:port', /can't be parsed/],
    ['example.com:-1', /can't be parsed/],
    ['::1', /brackets/],
    ['::1:8080', /brackets/],
    ['[::1', /brackets/],
    ['exa mple.com', /can't be parsed/],
    ['wss://', /can't be parsed/],
    ['?room=1', /can't be parsed/],
    // A URL parser would take the first word of the path for the host and connect to an unrelated server.
    ['/chat', /can't be parsed/],
    ['//example.com/chat', /can't be parsed/],
    ['\\\\example.com', /can't be parsed/],
    ['wss:/example.com', /can't be parsed/],
    ['wss:\\\\example.com', /can't be parsed/],
    ['wss:example.com', /can't be parsed/],
    ['mailto:someone', /can't be parsed/],
    ['localhost:/path', /can't be parsed/],
  ])('%j throws INVALID_ADDRESS', (address, says) => {
    const error = thrown(() => resolveAddress(address, 'secure'));
    expect(error.code).toBe('INVALID_ADDRESS');
    expect(error.message).toMatch(says);
    expect(thrown(() => resolveAddress(address, 'insecure')).code).toBe('INVALID_ADDRESS');
  });

  test.each([[undefined], [null], [8080], [{}], [['example.com']]])('%j, neither a string nor a URL, throws INVALID_ADDRESS', (address) => {
    expect(thrown(() => resolveAddress(address as never, 'secure')).code).toBe('INVALID_ADDRESS');
  });

  it('a URL object with another scheme or with credentials throws INVALID_ADDRESS', () => {
    expect(thrown(() => resolveAddress(new URL('https://example.com'), 'secure')).code).toBe('INVALID_ADDRESS');
    expect(thrown(() => resolveAddress(new URL('wss://a:b@example.com'), 'secure')).code).toBe('INVALID_ADDRESS');
  });

  it('ws:// with the secure type throws INSECURE_ADDRESS, and the message shows the correct form', () => {
    const error = thrown(() => resolveAddress('ws://example.com:8080/a', 'secure'));
    expect(error.code).toBe('INSECURE_ADDRESS');
    expect(error.message).toContain('wss://');
    expect(error.message).toContain("'insecure'");
    expect(error.context).toEqual({ address: 'ws://example.com:8080/a' });
    expect(thrown(() => resolveAddress(new URL('ws://example.com'), 'secure')).code).toBe('INSECURE_ADDRESS');
  });
});

describe('the address in an error', () => {
  const secrets = ['hunter2', 'admin', 'letmein'];

  test.each([
    'wss://admin:hunter2@example.com/?key=letmein',
    'wss://admin:hunter2@example.com:99999/?key=letmein',
    'wss://admin:hunter2@example.com:99999/#letmein',
    'admin:hunter2@example.com:99999',
    'admin:hunter2@exa mple.com?key=letmein',
    'wss://admin:hun?ter2@example.com',
    'wss://admin:hunter2?@example.com',
    'wss://admin:hunter2#@example.com',
    'wss://admin:x@hunter2@example.com:99999',
    'wss://admin:hunter2/@example.com',
    'ws://example.com/?token=hunter2',
    'example.com:99999/?token=hunter2',
    'wss://example.com/?token=hunter2#letmein',
    'http://admin:hunter2@example.com/?key=letmein',
    'wss:/example.com/?token=hunter2',
    'example.com:99999/?token=x@hunter2',
  ])('%s is shown without credentials and query', (address) => {
    const error = thrown(() => resolveAddress(address, 'secure'));
    for (const secret of secrets) expect(everythingIn({ ...error, all: everythingIn(error) })).not.toContain(secret);
  });

  it('still identifies the server and the path', () => {
    expect(thrown(() => resolveAddress('wss://a.example:99999/path?x', 'secure').href).context).toEqual({
      address: 'wss://a.example:99999/path?…',
    });
    expect(publicAddress(new URL('wss://a.example:8443/path?x=1#y'))).toBe('wss://a.example:8443/path?…');
    expect(publicAddress(new URL('wss://u:p@a.example'))).toBe('wss://a.example/');
  });

  it('includes the path, so the message advises against a token in the path', () => {
    expect(thrown(() => resolveAddress('wss://u:p@example.com', 'secure')).message).toMatch(/token in the query/);
  });
});
