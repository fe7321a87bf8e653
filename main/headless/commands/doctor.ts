import type { Command } from 'commander';
import { z } from 'zod';
import { dataDirOf } from '../dataDir.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkDataDir, checkEnvironment, checkPolicy, checkProxy, checkWatcherLimits } from '../doctor/localChecks.ts';
import { checkStore } from '../doctor/storeChecks.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { addDataDirFlag, addStoreFlags, checkCaBundle, parseStoreFlags } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { parseS3Uri } from '../s3Uri.ts';
import { say, sayJson } from '../say.ts';

export function addDoctorCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const command = program
    .command('doctor')
    .summary('check this machine, the data directory and the store')
    .description(
      'Checks Node and platform, data directory and ledger, watcher limits and proxy; with an s3:// address also the way to the store, credentials, clock and permissions, and prints the IAM policy to ask for when something is missing. Writes nothing.',
    )
    .argument('[s3-uri]', 's3://bucket or s3://bucket/prefix')
    .option('--json', 'one JSON line a check');
  addDataDirFlag(command);
  addStoreFlags(command).addHelpText(
    'after',
    '\nExit codes: 0 nothing is wrong; 2 this machine or the data directory; 3 the store.\n\nExample:\n  sluice doctor s3://my-bucket --profile work',
  );
  command.action(async (uri: string | undefined, raw: unknown) => {
    done(await runDoctor(host, uri, raw));
  });
}

const DoctorFlags = z.object({ json: z.boolean().default(false), dataDir: z.string().optional() });

async function runDoctor(host: CommandHost, uri: string | undefined, raw: unknown): Promise<number> {
  const flags = parseFlags(DoctorFlags, raw);
  const location = uri === undefined ? null : parseS3Uri(uri);
  const connection = parseStoreFlags(raw, host);
  await checkCaBundle(connection);
  const tell = (finding: Finding) => sayFinding(host, finding, flags.json);
  const local = [
    ...checkEnvironment(host),
    ...(await checkDataDir(dataDirOf(host, flags.dataDir))),
    ...(await checkWatcherLimits()),
    ...checkProxy(host, connection),
    ...checkPolicy(host, connection, location),
  ];
  local.forEach(tell);
  const store = location === null ? null : await checkStore(connection, location, host);
  store?.findings.forEach(tell);
  if (store?.policy && !flags.json) {
    say(host.stdout, 'The permissions Sluice needs, as an IAM policy:');
    for (const line of store.policy.split('\n')) host.stdout.write(`${line}\n`);
  } else if (store?.policy) sayJson(host, { type: 'policy', ...{ policy: JSON.parse(store.policy) as unknown } });
  const wrong = [...local, ...(store?.findings ?? [])].filter(({ state }) => state === 'wrong').length;
  if (!flags.json) {
    say(host.stdout, wrong === 0 ? 'Nothing is wrong' : `${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong`);
  }
  if (local.some(({ state }) => state === 'wrong')) return 2;
  return wrong === 0 ? 0 : 3;
}

const marks = { fine: 'ok   ', note: 'note ', wrong: 'WRONG' } as const;

function sayFinding(host: CommandHost, finding: Finding, json: boolean): void {
  if (json) return sayJson(host, { type: 'check', ...finding });
  say(host.stdout, `${marks[finding.state]}  ${finding.name}: ${finding.detail}`);
  if (finding.remedy !== null && finding.state !== 'fine') say(host.stdout, `       ${finding.remedy}`);
}
