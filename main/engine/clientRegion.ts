import { connect } from 'node:net';
import { knownRegions } from './plan/regionDistance.ts';

export interface ClientRegion {
  readonly region: string;
  readonly by: 'setting' | 'instance-metadata' | 'latency';
}

export interface RegionPorts {
  /** Region of the EC2 instance this runs on; null: on none. */
  readonly instanceRegion: () => Promise<string | null>;
  /** ms to open a connection to a region's endpoint; null: not in time. */
  readonly connectMs: (region: string) => Promise<number | null>;
}

/** Farther than this from the nearest region's endpoint, the nearest says little of where one is. */
const tellingMs = 80;

/**
 * Where this machine is: as set, else as the instance says, else the region whose S3 endpoint answers soonest, twice asked. null: it can't be told, and nothing is guessed. Takes 3 s at most.
 */
export async function findClientRegion(
  setting: string,
  ports: RegionPorts = systemPorts,
): Promise<ClientRegion | null> {
  if (setting !== 'auto') return { region: setting, by: 'setting' };
  const instance = await ports.instanceRegion().catch(() => null);
  if (instance !== null) return { region: instance, by: 'instance-metadata' };
  const measured = await Promise.all(
    probedRegions.map(async (region) => {
      const times = [await ports.connectMs(region), await ports.connectMs(region)].filter((ms) => ms !== null);
      return { region, ms: Math.min(...times) };
    }),
  );
  const nearest = measured.reduce((best, one) => (one.ms < best.ms ? one : best));
  return nearest.ms <= tellingMs ? { region: nearest.region, by: 'latency' } : null;
}

/** GovCloud has accounts of its own. */
const probedRegions = knownRegions().filter((region) => !region.startsWith('us-gov-'));

const metadataTimeoutMs = 400;
const connectTimeoutMs = 1_000;

const systemPorts: RegionPorts = {
  instanceRegion: async () => {
    if (process.env.AWS_EC2_METADATA_DISABLED === 'true') return null;
    const base = process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT || 'http://169.254.169.254';
    const ask = async (path: string, init: RequestInit): Promise<string> => {
      const answer = await fetch(new URL(path, base), { ...init, signal: AbortSignal.timeout(metadataTimeoutMs) });
      if (!answer.ok) throw new Error(`instance metadata: ${answer.status}`);
      return (await answer.text()).trim();
    };
    const token = await ask('/latest/api/token', {
      method: 'PUT',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
    });
    const region = await ask('/latest/meta-data/placement/region', { headers: { 'x-aws-ec2-metadata-token': token } });
    return /^[a-z]{2}(-[a-z]+)+-\d+$/.test(region) ? region : null;
  },
  connectMs: (region) =>
    new Promise((resolve) => {
      const startedAt = performance.now();
      const socket = connect({ host: `s3.${region}.amazonaws.com`, port: 443 });
      const end = (ms: number | null): void => {
        socket.destroy();
        resolve(ms);
      };
      socket.setTimeout(connectTimeoutMs, () => end(null));
      socket.once('connect', () => end(performance.now() - startedAt));
      socket.once('error', () => end(null));
    }),
};
