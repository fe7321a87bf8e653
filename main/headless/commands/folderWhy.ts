import { relative, resolve, sep } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import type { FolderView, PathVerdict } from '../../../shared/syncApi.ts';
import { dataDirOf } from '../dataDir.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { addDataDirFlag } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { say, sayJson } from '../say.ts';
import { withApi } from '../withApi.ts';

const Flags = z.object({ dataDir: z.string().optional(), json: z.boolean().default(false) });

export function addFolderWhy(folder: Command, host: CommandHost, done: (code: number) => void): void {
  const command = folder
    .command('why')
    .description('Why a file or folder is left out, or that it is not: the rule, and where it is written.')
    .argument('<path>', 'in a folder that is kept')
    .option('--json', 'one JSON line for each pair the path is in');
  addDataDirFlag(command);
  command.action(async (name: string, raw: unknown) => {
    const flags = parseFlags(Flags, raw);
    const absolute = resolve(host.cwd, name);
    const answers = await withApi(
      host,
      { dataDir: dataDirOf(host, flags.dataDir), holder: 'sluice folder' },
      async (api) => {
        const pairs = (await api.snapshot({})).folders.flatMap((view) => {
          const path = pathWithin(view.path, absolute);
          return path === null ? [] : [{ view, path }];
        });
        return Promise.all(
          pairs.map(async ({ view, path }) => ({
            view,
            path,
            verdict: await api.explainPath({ folderId: view.id, path }),
          })),
        );
      },
    );
    if (answers.length === 0)
      throw new SluiceError('not-found', `${absolute} is in no folder pair`, {
        remedy: 'Look at `sluice folder list`, or add its folder with `sluice folder add`.',
      });
    for (const { view, path, verdict } of answers) {
      const line = { type: 'why', folderId: view.id, uri: view.uri, path, ...verdict };
      if (flags.json) sayJson(host, line);
      else say(host.stdout, whyLine(view, path, verdict));
    }
    done(0);
  });
}

const words: Readonly<Record<PathVerdict['kind'], string>> = {
  taken: 'uploaded',
  'left-out': 'left out',
  impossible: 'cannot be uploaded',
  missing: 'not there',
};

const whyLine = (view: FolderView, path: string, { kind, reason }: PathVerdict): string =>
  `${view.id}  ${path === '' ? view.path : path} → ${view.uri}  ${words[kind]}: ${reason}`;

/** With slashes; null: outside. */
function pathWithin(folder: string, absolute: string): string | null {
  const inside = relative(folder, absolute);
  return inside === '..' ||
    inside.startsWith(`..${sep}`) ||
    resolve(folder, inside) !== absolute ||
    /^[A-Za-z]:/.test(inside)
    ? null
    : inside.split(sep).join('/');
}
