import type { Transport } from '../../src/turn/transport.ts';

/** A transport in memory: a test reads the sent messages and chooses the answers. */
export interface ScriptedTransport {
  transport: Transport;
  sent: Buffer[];
  arrive(bytes: Buffer): void;
  /** Closes the connection, like a server. */
  end(why: string): void;
}

/** @param answer returns the answers to each sent message, which arrive before `send` returns */
export function scriptedTransport({
  lossy = true,
  answer = () => [],
}: {
  lossy?: boolean;
  answer?: (sent: Buffer) => Buffer[];
} = {}): ScriptedTransport {
  const sent: Buffer[] = [];
  let listener: (bytes: Buffer) => void = () => {};
  let end: (why: string) => void = () => {};
  const closed = new Promise<string>((resolve) => {
    end = resolve;
  });
  const transport: Transport = {
    name: lossy ? 'udp' : 'tcp',
    lossy,
    padding: !lossy,
    local: undefined,
    send: (bytes) => {
      sent.push(bytes);
      for (const each of answer(bytes)) listener(each);
    },
    onMessage: (to) => {
      listener = to;
    },
    closed,
    close: () => end('closed by this side'),
  };
  return { transport, sent, arrive: (bytes) => listener(bytes), end };
}
