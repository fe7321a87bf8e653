import { scanFolder } from '../../../main/engine/watch/scanFolder.ts';
import type { RelativePath } from '../../../shared/ids.ts';
import type { FolderRules } from '../../../shared/settings.ts';
import type { ObservedFile, SourceProblem } from '../../../shared/source.ts';

export interface Scanned {
  readonly files: Map<string, ObservedFile>;
  readonly directories: RelativePath[];
  readonly problems: SourceProblem[];
  readonly unreadable: RelativePath[];
  excluded: number;
  skippedLinks: number;
  skippedSpecial: number;
  batches: number;
  largestBatch: number;
}

/** A whole scan, collected. */
export async function scanned(root: string, rules: Partial<FolderRules> = {}, keyPrefix = ''): Promise<Scanned> {
  const all: Scanned = {
    files: new Map(),
    directories: [],
    problems: [],
    unreadable: [],
    excluded: 0,
    skippedLinks: 0,
    skippedSpecial: 0,
    batches: 0,
    largestBatch: 0,
  };
  await scanFolder(
    { root, rules: { include: [], exclude: [], ...rules }, keyPrefix, signal: new AbortController().signal },
    (batch) => {
      let files = 0;
      for (const listing of batch.listings) {
        all.directories.push(listing.directory);
        for (const file of listing.files)
          all.files.set(listing.directory === '' ? file.name : `${listing.directory}/${file.name}`, file);
        files += listing.files.length;
      }
      for (const observation of batch.observations)
        if (observation.kind === 'file') all.files.set(observation.path, observation.file);
      all.problems.push(...batch.problems);
      all.unreadable.push(...batch.unreadable);
      all.excluded += batch.excluded;
      all.skippedLinks += batch.skippedLinks;
      all.skippedSpecial += batch.skippedSpecial;
      all.batches++;
      all.largestBatch = Math.max(all.largestBatch, files);
    },
  );
  return all;
}
