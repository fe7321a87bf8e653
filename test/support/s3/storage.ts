import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChecksumAlgorithm, ChecksumType, StoredChecksum } from './checksums.ts';
import { KeyIndex } from './keyIndex.ts';
import { ObjectJournal } from './objectJournal.ts';
import { createSharedFile, type PartSlots, sharedFile, slotsOf } from './partPlacement.ts';

/** What was said at creation and is given back with the object. */
export interface ObjectAttributes {
  /** `content-type`, `cache-control`, … and `x-amz-meta-*`, `x-amz-storage-class`, SSE headers, tagging. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface StoredPart {
  readonly partNumber: number;
  readonly size: number;
  /** Hex MD5, no quotes. */
  readonly etag: string;
  readonly checksum: string | null;
  readonly lastModified: string;
  /** Relative to the bucket; the part begins at `offset`. */
  readonly file: string;
  readonly offset: number;
}

export interface StoredObject extends ObjectAttributes {
  readonly key: string;
  readonly size: number;
  /** No quotes. */
  readonly etag: string;
  readonly lastModified: string;
  readonly checksum: StoredChecksum | null;
  readonly parts:
    | readonly { readonly partNumber: number; readonly size: number; readonly checksum: string | null }[]
    | null;
  /** The upload it came from; lets a restart drop an upload whose Complete was cut short after the effect. */
  readonly uploadId: string | null;
  readonly file: string;
}

export interface StoredUpload extends ObjectAttributes {
  readonly key: string;
  readonly uploadId: string;
  readonly initiated: string;
  /** null: not asked for; CRC64NVME is then computed but not expected of the parts. */
  readonly declaredAlgorithm: ChecksumAlgorithm | null;
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
}

export interface OpenUpload {
  readonly upload: StoredUpload;
  readonly parts: Map<number, StoredPart>;
  readonly slots: PartSlots;
  completing: boolean;
}

export interface BucketSettings {
  readonly created: string;
  readonly accelerate: string | null;
  readonly versioning: string | null;
  /** The document as it was put. */
  readonly lifecycle: string | null;
  /** The header that goes with the lifecycle; absent in older folders. */
  readonly lifecycleMinimum?: string | null;
  /** Other configurations that were put, as they were put. */
  readonly configs?: Readonly<Record<string, string>>;
}

export interface Bucket {
  readonly name: string;
  settings: BucketSettings;
  readonly objects: KeyIndex<StoredObject>;
  readonly journal: ObjectJournal;
  readonly uploads: Map<string, OpenUpload>;
}

/**
 * Buckets in a folder. Bytes are written to a fresh file first; the line in the bucket's journal (the JSON beside a part) is what makes
 * them count, so a killed server never shows half of an object. Commits are synchronous, hence atomic towards other requests.
 */
export class Storage {
  readonly buckets = new Map<string, Bucket>();
  readonly #root: string;
  readonly #made = new Set<string>();

  readonly #onObject: ((bucket: Bucket, object: StoredObject) => void) | undefined;

  constructor(dir: string, onObject?: (bucket: Bucket, object: StoredObject) => void) {
    this.#onObject = onObject;
    this.#root = join(dir, 'buckets');
    mkdirSync(this.#root, { recursive: true });
    for (const name of readdirSync(this.#root)) this.#load(name);
  }

  createBucket(name: string, created: string): Bucket {
    for (const sub of ['objects', 'uploads']) mkdirSync(join(this.#root, name, sub), { recursive: true });
    const settings = { created, accelerate: null, versioning: null, lifecycle: null };
    const journal = new ObjectJournal(join(this.#root, name, 'objects.ndjson'));
    const bucket: Bucket = { name, settings, objects: new KeyIndex(), journal, uploads: new Map() };
    this.buckets.set(name, bucket);
    this.saveSettings(bucket, settings);
    return bucket;
  }

  saveSettings(bucket: Bucket, settings: BucketSettings): void {
    this.#writeJson(join(this.#root, bucket.name, 'bucket.json'), settings);
    bucket.settings = settings;
  }

  close(): void {
    for (const bucket of this.buckets.values()) bucket.journal.close();
  }

  deleteBucket(bucket: Bucket): void {
    this.buckets.delete(bucket.name);
    bucket.journal.close();
    rmSync(join(this.#root, bucket.name), { recursive: true, force: true });
    for (const made of this.#made) if (made.startsWith(join(this.#root, bucket.name))) this.#made.delete(made);
  }

  /** A fresh name for an object's bytes, relative to the bucket. */
  newObjectFile(bucket: Bucket, key: string): string {
    const hash = createHash('sha256').update(key).digest('hex');
    this.#make(join(this.#root, bucket.name, 'objects', hash.slice(0, 2)));
    return join('objects', hash.slice(0, 2), `${hash}.${freshSuffix()}`);
  }

  newPartFile(uploadId: string, partNumber: number): string {
    return join('uploads', uploadId, `${partNumber}.${freshSuffix()}`);
  }

  path(bucket: Bucket, file: string): string {
    return join(this.#root, bucket.name, file);
  }

  commitObject(bucket: Bucket, object: StoredObject): void {
    const before = bucket.objects.get(object.key);
    bucket.journal.put(object);
    bucket.objects.set(object.key, object);
    this.#onObject?.(bucket, object);
    if (before !== undefined && before.file !== object.file) this.#forget(this.path(bucket, before.file));
  }

  deleteObject(bucket: Bucket, key: string): void {
    const object = bucket.objects.get(key);
    if (object === undefined) return;
    bucket.journal.delete(key);
    bucket.objects.delete(key);
    this.#forget(this.path(bucket, object.file));
  }

  createUpload(bucket: Bucket, upload: StoredUpload): void {
    mkdirSync(this.path(bucket, join('uploads', upload.uploadId)));
    this.#writeJson(this.path(bucket, join('uploads', upload.uploadId, 'upload.json')), upload);
    createSharedFile(this.path(bucket, sharedFile(upload.uploadId)));
    const slots = slotsOf(upload.uploadId, []);
    bucket.uploads.set(upload.uploadId, { upload, parts: new Map(), slots, completing: false });
  }

  commitPart(bucket: Bucket, open: OpenUpload, part: StoredPart): void {
    const before = open.parts.get(part.partNumber);
    this.#writeJson(this.path(bucket, join('uploads', open.upload.uploadId, `${part.partNumber}.json`)), part);
    open.parts.set(part.partNumber, part);
    if (before !== undefined && before.file !== sharedFile(open.upload.uploadId))
      this.#forget(this.path(bucket, before.file));
  }

  deleteUpload(bucket: Bucket, uploadId: string): void {
    bucket.uploads.delete(uploadId);
    const folder = this.path(bucket, join('uploads', uploadId));
    // First out of sight in one step, then emptied at leisure.
    const doomed = `${folder}.gone`;
    renameSync(folder, doomed);
    void rm(doomed, { recursive: true, force: true });
  }

  #load(name: string): void {
    const folder = join(this.#root, name);
    const settingsPath = join(folder, 'bucket.json');
    if (!existsSync(settingsPath)) return;
    const bucket: Bucket = {
      name,
      settings: readJson<BucketSettings>(settingsPath),
      objects: new KeyIndex(),
      journal: new ObjectJournal(join(folder, 'objects.ndjson')),
      uploads: new Map(),
    };
    const completed = new Set<string | null>();
    const used = new Set<string>();
    for (const object of bucket.journal.load().values()) {
      bucket.objects.set(object.key, object);
      completed.add(object.uploadId);
      used.add(object.file);
    }
    for (const sub of readdirSync(join(folder, 'objects')))
      for (const file of readdirSync(join(folder, 'objects', sub)))
        if (!used.has(join('objects', sub, file))) unlinkSync(join(folder, 'objects', sub, file));
    for (const uploadId of readdirSync(join(folder, 'uploads'))) {
      const path = join(folder, 'uploads', uploadId);
      const json = join(path, 'upload.json');
      if (completed.has(uploadId) || !existsSync(json)) {
        rmSync(path, { recursive: true, force: true });
        continue;
      }
      if (uploadId.endsWith('.gone')) rmSync(path, { recursive: true, force: true });
      else bucket.uploads.set(uploadId, this.#loadUpload(path, json));
    }
    this.buckets.set(name, bucket);
  }

  #loadUpload(path: string, json: string): OpenUpload {
    const parts = new Map<number, StoredPart>();
    for (const file of readdirSync(path)) {
      if (!/^\d+\.json$/.test(file)) continue;
      const part = readJson<StoredPart>(join(path, file));
      parts.set(part.partNumber, part);
    }
    const upload = readJson<StoredUpload>(json);
    return { upload, parts, slots: slotsOf(upload.uploadId, parts.values()), completing: false };
  }

  #writeJson(path: string, value: unknown): void {
    const fresh = `${path}.${freshSuffix()}`;
    writeFileSync(fresh, JSON.stringify(value));
    renameSync(fresh, path);
  }

  #make(folder: string): void {
    if (this.#made.has(folder)) return;
    mkdirSync(folder, { recursive: true });
    this.#made.add(folder);
  }

  #forget(path: string): void {
    // A reader may still hold it open; a leftover is swept at the next start.
    void unlink(path).catch(() => undefined);
  }
}

function freshSuffix(): string {
  return randomBytes(6).toString('hex');
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
