import { connect, createServer, type Server, type Socket } from 'node:net';
import { seededRandom } from './faultProxyRules.ts';
import { type Lane, LinkDirection, type LinkShape, type Stalls } from './shapedLinkDirection.ts';

export type { Stalls } from './shapedLinkDirection.ts';

export interface ShapedLinkOptions {
  /** `http://127.0.0.1:9000`, `https://…`: only host and port count, nothing above TCP is looked at. */
  readonly target: string;
  /** Client to server, of all connections together. Infinity: unlimited. */
  readonly upBytesPerSecond: number;
  /** Default: as up. */
  readonly downBytesPerSecond?: number;
  /** Round trip without load, ms. Half of it each way; a new connection costs one more, as the handshake would. */
  readonly rttMs: number;
  /** The buffer before the bottleneck, ms at full rate: what a round trip grows by under load. Default 150. */
  readonly queueMs?: number;
  /** What a connection may have unacknowledged at first; it grows by what is acknowledged (slow start). Default 14,600, ten segments; Infinity: no slow start. */
  readonly initialWindowBytes?: number;
  /** And at most: no connection is faster than this per round trip. Default 4 MiB, Linux's `tcp_wmem`. */
  readonly maxWindowBytes?: number;
  readonly stalls?: Stalls;
  /** A new connection is doomed with this probability: it is reset after a random number of bytes up, below `withinBytes` (default 8 MiB). */
  readonly resets?: { readonly perConnection: number; readonly withinBytes?: number };
  readonly seed?: number;
}

export type LinkChange = Partial<Omit<ShapedLinkOptions, 'target' | 'seed'>>;

export interface LinkStats {
  /** Delivered, as TCP payload, since the start. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly connections: number;
  readonly openConnections: number;
  readonly mostOpen: number;
  readonly stalls: number;
  readonly resets: number;
  /** Bytes waiting at the bottleneck up, now. */
  readonly queuedUp: number;
  /** Of the process that shapes, s of CPU since the start. */
  readonly cpuSeconds: number;
  /** Delivered in each tenth of a second since the start. */
  readonly upPer100Ms: readonly number[];
  /** The present tenth's end, ms since the start. */
  readonly elapsedMs: number;
}

export interface ShapedLink {
  readonly url: string;
  readonly port: number;
  /** From now on; what is queued leaves at the new rate. */
  set(change: LinkChange): void;
  stats(): LinkStats;
  /** Resets every open connection, as a network that goes away. */
  resetConnections(): void;
  close(): Promise<void>;
}

/**
 * A long or narrow line in front of any TCP server: propagation delay, one bottleneck for all connections in each direction with a queue of its own,
 * windows, stalls and resets. The client's kernel still buffers what a local socket takes (some MiB), more than it would on a real line.
 */
export async function startShapedLink(options: ShapedLinkOptions): Promise<ShapedLink> {
  const target = new URL(options.target);
  const targetPort = Number(target.port || (target.protocol === 'https:' ? 443 : 80));
  const random = seededRandom(options.seed ?? 1);
  let settings: ShapedLinkOptions = options;
  const startedAt = performance.now();
  const cpuAtStart = process.cpuUsage();
  const upPer100Ms: number[] = [];
  const counts = { connections: 0, mostOpen: 0, resets: 0 };
  const open = new Map<Socket, Socket>();
  const up = new LinkDirection(shapeOf(settings, 'up'), random, (bytes) => {
    const slot = Math.floor((performance.now() - startedAt) / 100);
    while (upPer100Ms.length <= slot) upPer100Ms.push(0);
    upPer100Ms[slot]! += bytes;
  });
  const down = new LinkDirection(shapeOf(settings, 'down'), random);

  const accept = (client: Socket): void => {
    const server = connect({ host: target.hostname, port: targetPort, allowHalfOpen: true, noDelay: true });
    open.set(client, server);
    counts.connections++;
    counts.mostOpen = Math.max(counts.mostOpen, open.size);
    const { resets, rttMs } = settings;
    const doomed = resets !== undefined && random() < resets.perConnection;
    const lives = doomed ? Math.floor(random() * (resets.withinBytes ?? 8 * 1024 * 1024)) : Number.POSITIVE_INFINITY;
    const tearDown = (): void => {
      open.delete(client);
      upLane.close();
      downLane.close();
      if (!client.destroyed) client.resetAndDestroy();
      if (!server.destroyed) server.resetAndDestroy();
    };
    const upLane: Lane = up.addLane(client, server, {
      opensAt: performance.now() + rttMs,
      livesBytes: lives,
      onReset: () => {
        counts.resets++;
        tearDown();
      },
    });
    const downLane: Lane = down.addLane(server, client, {
      opensAt: performance.now(),
      livesBytes: Number.POSITIVE_INFINITY,
      onReset: tearDown,
    });
    for (const socket of [client, server]) {
      socket.on('error', tearDown);
      socket.on('close', () => {
        if (client.destroyed && server.destroyed) tearDown();
      });
    }
  };

  const listener: Server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false }, accept);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as { port: number };
  const resetConnections = (): void => {
    for (const [client, server] of open) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  };
  return {
    port,
    url: `${target.protocol}//127.0.0.1:${port}`,
    set: (change) => {
      settings = { ...settings, ...change };
      up.shape = shapeOf(settings, 'up');
      down.shape = shapeOf(settings, 'down');
    },
    stats: () => {
      const { user, system } = process.cpuUsage(cpuAtStart);
      return {
        bytesUp: up.delivered,
        bytesDown: down.delivered,
        ...counts,
        openConnections: open.size,
        stalls: up.stalls + down.stalls,
        queuedUp: up.queuedBytes,
        cpuSeconds: (user + system) / 1e6,
        upPer100Ms: [...upPer100Ms],
        elapsedMs: performance.now() - startedAt,
      };
    },
    resetConnections,
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        resetConnections();
        up.close();
        down.close();
      }),
  };
}

function shapeOf(settings: ShapedLinkOptions, way: 'up' | 'down'): LinkShape {
  const { upBytesPerSecond, downBytesPerSecond = upBytesPerSecond, rttMs } = settings;
  return {
    bytesPerMs: (way === 'up' ? upBytesPerSecond : downBytesPerSecond) / 1000,
    delayMs: rttMs / 2,
    queueMs: settings.queueMs ?? 150,
    initialWindowBytes: settings.initialWindowBytes ?? 14_600,
    maxWindowBytes: settings.maxWindowBytes ?? 4 * 1024 * 1024,
    // Answers are short: it is the bodies that stall.
    stalls: way === 'up' ? settings.stalls : undefined,
  };
}
