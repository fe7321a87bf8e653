import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorView } from '../../shared/errors.ts';
import type { SyncSummary } from '../../shared/events.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';
import type { Fault, Rule } from '../support/faultProxy.ts';
import { seededRandom } from '../support/faultProxyRules.ts';
import { LivingTree } from './livingTree.ts';
import { runSluice } from './runSluice.ts';

const settings = { partSizeBytes: 5 * MiB };
const data = /PutObject|UploadPart|CompleteMultipartUpload|CreateMultipartUpload|HeadObject|ListParts|AbortMultipart/;

/**
 * One life of a folder, drawn from a seed: a tree, a few passes over a network that misbehaves, by an engine that is interrupted or killed while files change; then peace and one last pass.
 * Returns what is wrong, with what happened; empty: nothing.
 */
export async function randomRun(seed: number): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const log: string[] = [];
  const wrong: string[] = [];
  const startedAt = performance.now();
  const note = (line: string): void => void log.push(`${((performance.now() - startedAt) / 1000).toFixed(3)} ${line}`);
  let tree: LivingTree | null = null;
  const harness = await openHarness(seed, {
    onObject: ({ key, file }) => {
      const fault = tree?.fault(key.slice(prefix.length), readFileSync(file)) ?? null;
      if (fault !== null) wrong.push(`the bucket got an object that never was: ${fault}`);
      note(`stored ${key}`);
    },
  });
  try {
    tree = new LivingTree(harness.root, random, note);
    await tree.plant();
    for (let rounds = 1 + Math.floor(random() * 3); rounds > 0; rounds--)
      wrong.push(...(await troubledPass(harness, tree, random, note)));
    harness.mend();
    note('peace');
    wrong.push(...(await lastPass(harness, tree)));
  } catch (error) {
    wrong.push(`it threw: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    await harness.close();
  }
  return wrong.length === 0 ? [] : [`seed ${seed}:`, ...wrong, ...log.slice(-200)];
}

/** A pass among faults and changes, let be, interrupted or killed. */
async function troubledPass(
  harness: Harness,
  tree: LivingTree,
  random: () => number,
  note: (line: string) => void,
): Promise<readonly string[]> {
  const below = (limit: number): number => Math.floor(random() * limit);
  const setRules = (): void => {
    const rules = someRules(random);
    harness.break(...rules);
    note(`faults: ${rules.map(({ match, fault }) => `${fault.kind} ${match?.probability?.toFixed(2)}`).join(', ')}`);
  };
  setRules();
  const startedAt = performance.now();
  const changes = random() < 0.3 ? 0 : below(10);
  const end = random();
  const lifeMs = end < 0.3 ? 2_500 : 30 + below(1_000);
  // A process takes time to be there, and is the only thing that can truly be killed.
  const pass =
    random() < 0.3 ? processPass(harness, 250 + lifeMs, note) : enginePass(harness, lifeMs, random() < 0.5, note);
  for (let left = changes; left > 0; left--) {
    await sleep(below(120));
    await tree.change();
    if (random() < 0.1) setRules();
  }
  const summary = await pass;
  if (summary?.exitCode !== 0 || tree.lastChangeAt >= startedAt) return [];
  // Told that all is well, and nothing changed meanwhile: then it is.
  const different = missing(await harness.differences());
  return different.length === 0 ? [] : [`exit code 0 but ${different.join(', ')}`];
}

async function enginePass(
  harness: Harness,
  lifeMs: number,
  stops: boolean,
  note: (line: string) => void,
): Promise<SyncSummary | null> {
  const engine = await harness.open({ settings, storePatienceMs: 500 });
  const stop = new AbortController();
  const timer = setTimeout(() => {
    note(stops ? 'stop' : 'interrupt');
    if (stops) void engine.stop({ graceMs: 0 });
    else stop.abort();
  }, lifeMs);
  try {
    const summary = await engine.runOnce(await harness.folder(engine), { signal: stop.signal, dryRun: false });
    note(`pass ended with ${summary.exitCode}, ${summary.filesFailed} failed`);
    return summary;
  } catch (error) {
    note(`pass ended: ${errorView(error).code}`);
    return null;
  } finally {
    clearTimeout(timer);
    await engine.stop({ graceMs: 0 });
  }
}

async function processPass(
  harness: Harness,
  lifeMs: number,
  note: (line: string) => void,
): Promise<SyncSummary | null> {
  const run = runSluice({
    folder: harness.root,
    bucket,
    dataDir: harness.dataDir,
    endpoint: harness.proxy.url,
    accessKeyId: harness.server.accessKeyId,
    secretAccessKey: harness.server.secretAccessKey,
    flags: ['--part-size', '5MiB'],
  });
  const timer = setTimeout(() => {
    note('kill -9');
    run.kill('SIGKILL');
  }, lifeMs);
  const { exitCode, summary } = await run.ended;
  clearTimeout(timer);
  note(`process ended with ${exitCode}`);
  if (exitCode !== null && summary?.exitCode !== exitCode)
    throw new Error(`exit code ${exitCode}, but its summary says ${summary?.exitCode}`);
  return summary;
}

async function lastPass(harness: Harness, tree: LivingTree): Promise<readonly string[]> {
  const wrong: string[] = [];
  const summary = await harness.pass({ options: { settings } });
  const { exitCode, filesFailed, filesScanned } = summary;
  if (exitCode !== 0 || filesFailed !== 0) {
    const failures = harness.events.flatMap((event) =>
      event.type === 'file' && event.error !== undefined ? [`${event.path}: ${event.error.code}`] : [],
    );
    wrong.push(`the last pass: exit code ${exitCode}, ${filesFailed} failed (${failures.slice(-5).join(', ')})`);
  }
  if (filesScanned !== tree.size) wrong.push(`${filesScanned} scanned, ${tree.size} are there`);
  const different = missing(await harness.differences());
  if (different.length > 0) wrong.push(`after the last pass: ${different.join(', ')}`);
  const uploads = harness.server.openUploads(bucket);
  if (uploads.length > 0) wrong.push(`left behind: uploads of ${uploads.map(({ key }) => key).join(', ')}`);
  harness.server.clearLog();
  const again = await harness.pass({ options: { settings } });
  const sent = Object.keys(harness.server.counts()).filter((name) => /PutObject|UploadPart|Multipart/.test(name));
  if (again.exitCode !== 0 || again.filesUploaded !== 0 || sent.some((name) => name !== 'ListMultipartUploads'))
    wrong.push(
      `a pass with nothing to do: exit code ${again.exitCode}, ${again.filesUploaded} uploaded, ${sent.join(', ')}`,
    );
  return wrong;
}

/** Objects of files that are gone stay in the bucket: nobody asked for their deletion. */
const missing = (differences: readonly string[]): string[] => differences.filter((each) => !each.endsWith('(extra)'));

function someRules(random: () => number): Rule[] {
  const below = (limit: number): number => Math.floor(random() * limit);
  const candidates: readonly (readonly [RegExp, Fault])[] = [
    [data, { kind: 'resetBeforeRequest' }],
    [data, { kind: 'status', code: 503 }],
    [data, { kind: 'status', code: 500 }],
    [data, { kind: 'loseResponse' }],
    [data, { kind: 'truncateResponse' }],
    [/CompleteMultipartUpload|PutObject/, { kind: 'status', code: 409 }],
    [/PutObject|UploadPart/, { kind: 'corruptBody' }],
    [/PutObject/, { kind: 'resetAfterBytes', bytes: below(20_000) }],
    [/UploadPart/, { kind: 'resetAfterBytes', bytes: below(5 * MiB) }],
    [/PutObject|UploadPart/, { kind: 'stall', afterBytes: below(100_000), ms: 100 + below(500) }],
    [/CompleteMultipartUpload/, { kind: 'errorIn200' }],
    [/CompleteMultipartUpload/, { kind: 'errorIn200', afterEffect: true }],
    [/CompleteMultipartUpload/, { kind: 'loseResponse' }],
    [data, { kind: 'latency', ms: below(40), jitterMs: below(150) }],
  ];
  const chosen = candidates.filter(() => random() < 0.3);
  return chosen.map(([operation, fault]) => ({
    match: { operation, probability: fault.kind === 'latency' ? 1 : 0.03 + random() * 0.35 },
    fault,
  }));
}
