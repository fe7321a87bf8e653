import type { Command } from 'commander';
import { z } from 'zod';
import type { AccelerationSettings, EngineSettings } from '../../../shared/settings.ts';
import { GiB, MiB } from '../../../shared/units.ts';
import { parseFlags } from './parseFlags.ts';
import { choiceFlag, countFlag, rateFlag, sizeFlag } from './quantities.ts';

/** How fast and with what means: on top of the stored settings, for this run. */
export function addEngineFlags(command: Command): Command {
  return command
    .optionsGroup('Transfer:')
    .option('--max-bandwidth <rate>', 'limit, as 20MiB/s or 160Mbps')
    .option('--max-connections <n>', 'connections at most, 1 to 250 (default: 100)')
    .option('--memory <size>', 'memory for uploads at most (default: 512MiB)')
    .option('--part-size <size|auto>', 'part size of multipart uploads, 5MiB to 5GiB (default: auto)')
    .option('--checksum <algorithm>', 'crc64nvme, crc32, crc32c, sha256 or auto (default: auto)')
    .option('--accelerate <mode>', 'S3 Transfer Acceleration: auto, on or off (default: auto)');
}

const EngineFlags = z.object({
  maxBandwidth: rateFlag.optional(),
  maxConnections: countFlag(1, 250).optional(),
  memory: sizeFlag.refine((bytes) => bytes >= 32 * MiB, 'at least 32MiB are needed').optional(),
  partSize: z.string().optional(),
  checksum: choiceFlag('auto', 'crc64nvme', 'crc32', 'crc32c', 'sha256').optional(),
  accelerate: choiceFlag('auto', 'on', 'off').optional(),
});

/** For this run; prices and cap stay as stored. Throws `usage`. */
export const parseAccelerateFlag = (raw: unknown): AccelerationSettings['mode'] | undefined =>
  parseFlags(EngineFlags, raw).accelerate;

/** Only what was asked for: the rest stays as stored. Throws `usage`. */
export function parseEngineFlags(raw: unknown): Partial<EngineSettings> {
  const flags = parseFlags(EngineFlags, raw);
  return {
    // What is asked for by hand goes before a stored schedule.
    ...(flags.maxBandwidth !== undefined && { maxBandwidthBytesPerSecond: flags.maxBandwidth, bandwidthSchedule: [] }),
    ...(flags.maxConnections !== undefined && { maxConnections: flags.maxConnections }),
    ...(flags.memory !== undefined && { memoryBytes: flags.memory }),
    ...(flags.partSize !== undefined && { partSizeBytes: parsePartSize(flags.partSize) }),
    ...(flags.checksum !== undefined && { checksum: flags.checksum }),
  };
}

/** A union would report both of its branches: the size's own words are clearer. */
export function parsePartSize(text: string): number | 'auto' {
  if (text === 'auto') return 'auto';
  const PartSize = z.object({
    partSize: sizeFlag.refine((bytes) => bytes >= 5 * MiB && bytes <= 5 * GiB, `'${text}': a part has 5MiB to 5GiB`),
  });
  return parseFlags(PartSize, { partSize: text }).partSize;
}
