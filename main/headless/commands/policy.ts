import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import { locksOf, type PolicyLock } from '../../../shared/policy.ts';
import { checkPolicy } from '../../engine/policyFile.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import type { CommandHost } from '../host.ts';
import { say, sayJson } from '../say.ts';

export function addPolicyCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const policy = program
    .command('policy')
    .summary('check an admin policy file')
    .description('The machine-wide policy of an administrator: what it sets and locks. See docs/admin.md.');
  policy
    .command('check')
    .description('Validates a policy file and prints what it locks and why. Touches nothing.')
    .argument('<file>', 'policy file, JSON')
    .option('--json', 'one JSON line: ok, locks, problems')
    .addHelpText('after', '\nExit codes: 0 valid; 2 not.\n\nExample:\n  sluice policy check policy.json')
    .action(async (file: string, raw: unknown) => {
      const { json } = parseFlags(z.object({ json: z.boolean().default(false) }), raw);
      done(await runCheck(host, file, json));
    });
}

async function runCheck(host: CommandHost, file: string, json: boolean): Promise<number> {
  const path = resolve(host.cwd, file);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SluiceError('usage', `The policy file ${path} can't be read (${error.code})`, {
      cause: error,
      remedy: 'Name a JSON file that you may read.',
    });
  });
  const checked = checkPolicy(text);
  const locks = checked.ok ? locksOf(checked.policy) : [];
  const problems = checked.ok ? [] : checked.problems;
  if (json) sayJson(host, { type: 'policy', ...{ file: path, ok: checked.ok, locks, problems } });
  else if (checked.ok) {
    say(host.stdout, `${path} is valid`);
    sayLocks(host, locks);
  } else {
    say(host.stderr, `${path} is not valid:`);
    for (const problem of problems)
      say(host.stderr, `  ${problem.path === '' ? 'the file' : problem.path}: ${problem.message}`);
  }
  return checked.ok ? 0 : 2;
}

export function sayLocks(host: CommandHost, locks: readonly PolicyLock[]): void {
  if (locks.length === 0) say(host.stdout, '  It locks nothing');
  for (const { text, reason } of locks) say(host.stdout, `  ${text}${reason === null ? '' : ` (${reason})`}`);
}
