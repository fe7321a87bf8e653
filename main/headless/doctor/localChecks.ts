import { constants } from 'node:fs';
import { access, readFile, stat, statfs } from 'node:fs/promises';
import { arch, availableParallelism, platform, release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { errorView, SluiceError } from '../../../shared/errors.ts';
import { refusePlace } from '../../../shared/policy.ts';
import type { StoreConnection } from '../../../shared/settings.ts';
import { formatBytes, formatCount, MiB } from '../../../shared/units.ts';
import { policyPlaces, readPolicy } from '../../engine/policyFile.ts';
import type { CommandHost } from '../host.ts';
import type { S3Location } from '../s3Uri.ts';
import type { Finding } from './finding.ts';

export function checkEnvironment(host: CommandHost): readonly Finding[] {
  const machine = `${platform()} ${release()} ${arch()}, ${availableParallelism()} cores, ${formatBytes(totalmem())} memory`;
  return [fine('Sluice', `${host.version} on Node ${process.versions.node}`), fine('Machine', machine)];
}

/** Below this a ledger may not have room for a day's work. */
const littleSpaceBytes = 256 * MiB;

export async function checkDataDir(dataDir: string): Promise<readonly Finding[]> {
  const name = 'Data directory';
  const existing = await nearestExisting(dataDir);
  try {
    await access(existing, constants.W_OK | constants.X_OK);
  } catch {
    return [wrong(name, `${dataDir} can't be written`, 'Give your user write permission, or use another --data-dir.')];
  }
  const { bavail, bsize } = await statfs(existing);
  const free = bavail * bsize;
  const space =
    free < littleSpaceBytes
      ? wrong('Disk space', `${formatBytes(free)} free under ${dataDir}`, 'Free some space: the ledger needs room.')
      : fine('Disk space', `${formatBytes(free)} free under ${dataDir}`);
  if (existing !== dataDir) return [fine(name, `${dataDir} will be made at the first run`), space];
  return [await checkPrivacy(dataDir), space, await checkLedger(dataDir)];
}

async function checkPrivacy(dataDir: string): Promise<Finding> {
  const { mode } = await stat(dataDir);
  if (platform() !== 'win32' && (mode & 0o077) !== 0) {
    return note('Data directory', `${dataDir} can be read by others`, `Make it private: chmod 700 '${dataDir}'`);
  }
  return fine('Data directory', dataDir);
}

async function checkLedger(dataDir: string): Promise<Finding> {
  const name = 'Ledger';
  const { openLedgerReadOnly } = await import('../../engine/ledger/openLedgerReadOnly.ts');
  try {
    const ledger = openLedgerReadOnly(dataDir);
    try {
      const problems = ledger.check();
      const owner = ledger.owner();
      const inUse = owner === null ? '' : `, in use by ${owner.holder} (process ${owner.pid})`;
      const [first] = problems;
      if (first !== undefined) {
        return wrong(
          name,
          `${first}${problems.length > 1 ? ` and ${problems.length - 1} more` : ''}${inUse}`,
          'Move the data directory aside; Sluice then rebuilds its ledger.',
        );
      }
      const folders = ledger.folders().length;
      return fine(name, `sound, ${formatCount(folders)} ${folders === 1 ? 'folder' : 'folders'}${inUse}`);
    } finally {
      ledger.close();
    }
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'not-found') return fine(name, 'none yet');
    const { message, remedy } = errorView(error);
    return wrong(name, message, remedy);
  }
}

/** inotify: one watch a directory, one instance a watcher. Other platforms have no such limits. */
export async function checkWatcherLimits(directory = '/proc/sys/fs/inotify'): Promise<readonly Finding[]> {
  const [watches, instances] = await Promise.all(
    ['max_user_watches', 'max_user_instances'].map((name) => readNumber(`${directory}/${name}`)),
  );
  return [
    limit('Watches', 'fs.inotify.max_user_watches', watches ?? null, 65_536, 1_048_576),
    limit('Watchers', 'fs.inotify.max_user_instances', instances ?? null, 128, 1_024),
  ].filter((finding) => finding !== null);
}

function limit(name: string, key: string, value: number | null, enough: number, better: number): Finding | null {
  if (value === null) return null;
  const detail = `${key} is ${formatCount(value)}`;
  if (value >= enough) return fine(name, detail);
  return note(name, `${detail}: few for large folders`, `Raise it: sudo sysctl ${key}=${better}`);
}

/** What an administrator allows is asked first: no key and no permission helps against it. */
export function checkPolicy(
  host: CommandHost,
  connection: StoreConnection,
  location: S3Location | null,
): readonly Finding[] {
  const name = 'Admin policy';
  try {
    const { source, policy } = readPolicy(policyPlaces(host.env));
    if (source === null) return [fine(name, 'none')];
    if (location !== null) refusePlace(policy, connection, location.bucket);
    return [fine(name, `${source} is in force`)];
  } catch (error) {
    const { message, remedy } = errorView(error);
    return [wrong(name, message, remedy)];
  }
}

/** Said plainly, because a variable that is set and not used is a long search. */
export function checkProxy(host: CommandHost, connection: StoreConnection): readonly Finding[] {
  const names = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  const found = names.filter((name) => host.env[name]);
  if (found.length === 0) return [fine('Proxy', 'none is set')];
  const where = connection.endpointUrl ?? 'AWS';
  return [
    note(
      'Proxy',
      `${found.join(', ')} set, but Sluice connects to ${where} directly`,
      'Allow the direct connection in your firewall.',
    ),
  ];
}

async function readNumber(path: string): Promise<number | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  const value = Number(text);
  return text === null || !Number.isSafeInteger(value) ? null : value;
}

async function nearestExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    const found = await stat(at).catch(() => null);
    if (found !== null || dirname(at) === at) return at;
  }
}

const fine = (name: string, detail: string): Finding => ({ name, state: 'fine', detail, remedy: null });
const note = (name: string, detail: string, remedy: string): Finding => ({ name, state: 'note', detail, remedy });
const wrong = (name: string, detail: string, remedy: string): Finding => ({ name, state: 'wrong', detail, remedy });
