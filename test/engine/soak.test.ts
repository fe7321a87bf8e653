import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { SyncEngine } from '../../main/engine/engine.ts';
import { openLedger } from '../../main/engine/ledger/openLedger.ts';
import type { FolderId } from '../../shared/ids.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';
import type { Rule } from '../support/faultProxy.ts';
import { seededRandom } from '../support/faultProxyRules.ts';

/*
 * A folder that is lived in, over a network that misbehaves, by an engine that is paused, stopped and started: whenever things are quiet the bucket must hold the disk,
 * and "safe" may only be said when it does. The same seed gives the same actions (not the same timing). SLUICE_SEED, SLUICE_SOAK_SECONDS.
 */
const seed = Number(process.env.SLUICE_SEED ?? Math.floor(Math.random() * 1e6));
const soakMs = Number(process.env.SLUICE_SOAK_SECONDS ?? 20) * 1000;
const settings = { settleMs: 150, partSizeBytes: 5 * MiB, rescanIntervalMs: 3_600_000 };
const smallFileLimitBytes = 8 * MiB;
const mostFiles = 60;
/** After this long without a write everything must have been noticed. */
const noticedMs = 2_500;
const quietLimitMs = 60_000;

const data = /PutObject|UploadPart|CompleteMultipartUpload|CreateMultipartUpload|HeadObject|ListParts|AbortMultipart/;
const faults: readonly Rule[] = [
  { match: { operation: data, probability: 0.2 }, fault: { kind: 'resetBeforeRequest' } },
  { match: { operation: data, probability: 0.2 }, fault: { kind: 'status', code: 503 } },
  { match: { operation: data, probability: 0.2 }, fault: { kind: 'status', code: 500 } },
  { match: { operation: data, probability: 0.15 }, fault: { kind: 'loseResponse' } },
  { match: { operation: data, probability: 0.15 }, fault: { kind: 'truncateResponse' } },
  { match: { operation: /PutObject|UploadPart/, probability: 0.2 }, fault: { kind: 'corruptBody' } },
  { match: { operation: /UploadPart/, probability: 0.4 }, fault: { kind: 'resetAfterBytes', bytes: 1 * MiB } },
  { match: { operation: /CompleteMultipartUpload/, probability: 0.4 }, fault: { kind: 'errorIn200' } },
  { match: { operation: data }, fault: { kind: 'latency', ms: 20, jitterMs: 300 } },
  { fault: { kind: 'resetBeforeRequest' } },
];

describe('a folder that is lived in', () => {
  it('is in the bucket whenever it is quiet, whatever happened before, and never called safe before it is', {
    timeout: soakMs + 3 * quietLimitMs,
  }, async () => {
    const harness = await openHarness(seed);
    try {
      await new Soak(harness, seed).run(Date.now() + soakMs);
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    } finally {
      await harness.close();
    }
  });
});

class Soak {
  readonly #harness: Harness;
  readonly #random: () => number;
  readonly #log: string[] = [];
  #engine: SyncEngine | null = null;
  #folder: FolderId | null = null;
  #files: string[] = [];
  #lastWriteAt = 0;
  #named = 0;

  constructor(harness: Harness, seed: number) {
    this.#harness = harness;
    this.#random = seededRandom(seed);
  }

  async run(until: number): Promise<void> {
    await this.#start();
    try {
      while (Date.now() < until) {
        for (let actions = 4 + this.#below(25); actions > 0; actions--) await this.#act();
        await this.#quiet();
      }
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${this.#log.slice(-60).join('\n')}`, {
        cause: error,
      });
    }
  }

  async #act(): Promise<void> {
    const dice = this.#random();
    if (dice < 0.72) await this.#touchDisk();
    else if (dice < 0.84) this.#breakOrMend();
    else if (dice < 0.92) await this.#pauseOrResume();
    else if (dice < 0.95) await this.#restart();
    else await sleep(this.#below(900));
    await sleep(this.#below(40));
  }

  async #touchDisk(): Promise<void> {
    const { root } = this.#harness;
    const path = this.#pick(this.#files);
    const kind = this.#below(10);
    if (path === undefined || (kind < 3 && this.#files.length < mostFiles)) return this.#write(this.#newName());
    if (kind < 5) return this.#write(path);
    if (kind === 5) {
      await rm(join(root, path));
      this.#note(`rm ${path}`);
    } else if (kind === 6) {
      const to = this.#random() < 0.5 ? this.#newName() : (this.#pick(this.#files) ?? this.#newName());
      await mkdir(dirname(join(root, to)), { recursive: true });
      await rename(join(root, path), join(root, to));
      this.#note(`mv ${path} ${to}`);
    } else if (kind === 7) {
      await writeFile(join(root, `${path}.tmp`), this.#content());
      await rename(join(root, `${path}.tmp`), join(root, path));
      this.#note(`save ${path}`);
    } else if (kind === 8) {
      await truncate(join(root, path), this.#below(2000));
      this.#note(`truncate ${path}`);
    } else if (path.includes('/') && this.#random() < 0.4) {
      const directory = path.slice(0, path.indexOf('/'));
      const to = `moved${++this.#named}`;
      await rename(join(root, directory), join(root, to));
      this.#note(`mv ${directory}/ ${to}/`);
    } else {
      const at = new Date(Date.now() - this.#below(1e9));
      await utimes(join(root, path), at, at);
      this.#note(`touch ${path}`);
    }
    await this.#list();
  }

  async #write(path: string): Promise<void> {
    await this.#harness.write(path, this.#content());
    this.#note(`write ${path}`);
    await this.#list();
  }

  /** Mostly small; now and then one that goes in parts, or nothing at all. */
  #content(): Buffer {
    const dice = this.#random();
    if (dice < 0.06) return randomBytes(5 * MiB + this.#below(9 * MiB));
    if (dice < 0.12) return randomBytes(this.#below(4 * MiB));
    return randomBytes(this.#below(3) === 0 ? 100 : this.#below(5000));
  }

  #newName(): string {
    const name = `f${++this.#named}`;
    return this.#random() < 0.4 ? name : `dir${this.#below(4)}/${this.#random() < 0.3 ? 'deep/' : ''}${name}`;
  }

  #breakOrMend(): void {
    const chosen = faults.filter(() => this.#random() < 0.25);
    if (this.#random() < 0.4) chosen.length = 0;
    this.#harness.break(...chosen);
    this.#note(`faults: ${chosen.map(({ fault }) => fault.kind).join(', ')}`);
  }

  async #pauseOrResume(): Promise<void> {
    const { api } = this.#engine!;
    const folderId = this.#folder!;
    const kind = this.#below(5);
    if (kind === 0) await api.pauseAll({ untilMs: this.#random() < 0.5 ? null : Date.now() + this.#below(2000) });
    else if (kind === 1) await api.pauseFolder({ folderId });
    else if (kind === 2) await api.resumeAll({});
    else if (kind === 3) await api.resumeFolder({ folderId });
    else await api.rescanFolder({ folderId });
    this.#note(['pause all', 'pause', 'resume all', 'resume', 'rescan'][kind]!);
  }

  async #start(): Promise<void> {
    this.#engine = await this.#harness.open({ settings });
    this.#folder = await this.#harness.folder(this.#engine, { kind: 'kept' });
    await this.#engine.start();
    this.#note('start');
  }

  async #restart(): Promise<void> {
    await this.#engine!.stop({ graceMs: this.#below(300) });
    this.#note('stop');
    const ledger = openLedger({ dataDir: this.#harness.dataDir, smallFileLimitBytes, holder: 'the soak' });
    const unsound = ledger.check();
    ledger.close();
    expect(unsound).toEqual([]);
    if (this.#random() < 0.5) for (let writes = this.#below(5); writes > 0; writes--) await this.#touchDisk();
    await this.#start();
  }

  /** Everything mended, nothing written: it must become safe, and be so when it says so. */
  async #quiet(): Promise<void> {
    this.#harness.mend();
    const { api } = this.#engine!;
    await api.resumeAll({});
    await api.resumeFolder({ folderId: this.#folder! });
    this.#note('quiet');
    for (const issue of (await api.issues({})).issues) await api.retryIssue({ issueId: issue.id });
    const end = Date.now() + quietLimitMs;
    for (;;) {
      const { state, text } = this.#engine!.sentence();
      const different = await this.#differences();
      const uploads = this.#harness.server.openUploads(bucket);
      if (state === 'safe' && Date.now() - this.#lastWriteAt > noticedMs) {
        expect(different, `it said "${text}"`).toEqual([]);
        expect(text).toContain(this.#files.length === 0 ? 'empty' : `${this.#files.length} file`);
        if (uploads.length === 0) break;
      }
      if (Date.now() > end) {
        const issues = (await api.issues({})).issues.map(({ code, path }) => `${code} ${path}`);
        throw new Error(
          `never quiet: "${text}", different ${different.join(' ')}, issues ${issues.join(' ')}, open uploads ${uploads.map(({ key }) => key).join(' ')}`,
        );
      }
      await sleep(150);
    }
    this.#note('quiet reached');
    if (this.#random() < 0.3) {
      const report = await api.verifyFolder({ folderId: this.#folder!, deep: true });
      expect(report.problems).toEqual([]);
    }
    if (this.#random() < 0.3) await this.#restart();
  }

  /** Files on disk whose object is missing or another; objects of files that are gone stay. */
  async #differences(): Promise<string[]> {
    const { root, server } = this.#harness;
    const keys = new Set(server.listKeys(bucket));
    const wrong: string[] = [];
    for (const path of await this.#list()) {
      const key = prefix + path;
      if (!keys.has(key) || !(await readFile(join(root, path))).equals(await server.readObject(bucket, key)))
        wrong.push(path);
    }
    return wrong;
  }

  async #list(): Promise<readonly string[]> {
    const { root } = this.#harness;
    const entries = await readdir(root, { withFileTypes: true, recursive: true });
    this.#files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .sort();
    return this.#files;
  }

  #note(what: string): void {
    this.#log.push(`${new Date().toISOString().slice(14, 23)} ${what}`);
    if (/^(write|rm|mv|save|truncate|touch)/.test(what)) this.#lastWriteAt = Date.now();
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.#below(from.length)];
  }
}
