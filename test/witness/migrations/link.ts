/** A link of a bandwidth: passes bytes on from one Unix socket to another, no faster than that. */
import { connect, createServer, type Server, type Socket } from "node:net";

/** Bytes are passed on so often, in ms. */
const TICK = 5;
/** What may be passed on late, in ms: a computer that is busy sleeps longer than it was told. */
const LATE_MAX = 100;

export interface Link {
  readonly close: () => void;
}

/**
 * What comes to `from` leaves by `to`, both paths. Unix sockets hold about 200 KiB, so that little of what was sent waits on the way.
 * @param bytesPerSecond 0: as fast as it can
 */
export function openLink(from: string, to: string, bytesPerSecond: number): Promise<Link> {
  return new Promise((resolve, reject) => {
    const sockets: Socket[] = [];
    const server: Server = createServer((incoming) => {
      const outgoing = connect(to);
      sockets.push(incoming, outgoing);
      outgoing.pipe(incoming);
      if (bytesPerSecond === 0) incoming.pipe(outgoing);
      else throttled(incoming, outgoing, bytesPerSecond);
      for (const socket of [incoming, outgoing]) socket.on("error", () => socket.destroy());
    });
    server.on("error", reject);
    const close = (): void => {
      server.close();
      for (const socket of sockets) socket.destroy();
    };
    server.listen(from, () => resolve({ close }));
  });
}

function throttled(incoming: Socket, outgoing: Socket, bytesPerSecond: number): void {
  let last = performance.now();
  let budget = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    budget += ((now - last) * bytesPerSecond) / 1000;
    budget = Math.min(budget, (LATE_MAX * bytesPerSecond) / 1000);
    last = now;
    while (budget >= 1 && outgoing.writable) {
      const most = Math.min(Math.floor(budget), incoming.readableLength);
      if (most === 0) {
        // Makes the stream fetch more.
        incoming.read(0);
        break;
      }
      const bytes: Buffer | null = incoming.read(most);
      if (bytes === null) break;
      budget -= bytes.length;
      outgoing.write(bytes);
    }
    if (incoming.readableEnded) {
      clearInterval(timer);
      outgoing.end();
    }
  }, TICK);
  incoming.on("close", () => clearInterval(timer));
  incoming.on("end", () => outgoing.end());
}
