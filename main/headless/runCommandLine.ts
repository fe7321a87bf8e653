import { Command, CommanderError } from 'commander';
import { errorView, exitCodeFor } from '../../shared/errors.ts';
import type { CommandHost } from './host.ts';
import { printable } from './printable.ts';
import { sayError } from './say.ts';

/** Runs `sluice <args>` and returns the exit code (cli.md); whatever goes wrong ends as one sentence on stderr. */
export async function runCommandLine(args: readonly string[], host: CommandHost): Promise<number> {
  let exitCode = 0;
  const done = (code: number) => {
    exitCode = code;
  };
  const program = sluiceProgram(host);
  for (const add of await asked(args)) add(program, host, done);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return onRequest.has(thrown.code) ? 0 : 2;
    const error = errorView(thrown);
    sayError(host, thrown, error);
    return exitCodeFor(error.code);
  }
}

type AddCommand = (program: Command, host: CommandHost, done: (code: number) => void) => void;

const commands: ReadonlyMap<string, () => Promise<AddCommand>> = new Map<string, () => Promise<AddCommand>>([
  ['sync', async () => (await import('./commands/sync.ts')).addSyncCommand],
  ['daemon', async () => (await import('./commands/daemon.ts')).addDaemonCommand],
  ['folder', async () => (await import('./commands/folder.ts')).addFolderCommand],
  ['status', async () => (await import('./commands/status.ts')).addStatusCommand],
  ['restore', async () => (await import('./commands/restore.ts')).addRestoreCommand],
  ['verify', async () => (await import('./commands/verify.ts')).addVerifyCommand],
  ['plan', async () => (await import('./commands/plan.ts')).addPlanCommand],
  ['ledger', async () => (await import('./commands/ledger.ts')).addLedgerCommand],
  ['uploads', async () => (await import('./commands/uploads.ts')).addUploadsCommand],
  ['bench', async () => (await import('./commands/bench.ts')).addBenchCommand],
  ['cost', async () => (await import('./commands/cost.ts')).addCostCommand],
  ['lifecycle', async () => (await import('./commands/lifecycle.ts')).addLifecycleCommand],
  ['accelerate', async () => (await import('./commands/accelerate.ts')).addAccelerateCommand],
  ['policy', async () => (await import('./commands/policy.ts')).addPolicyCommand],
  ['doctor', async () => (await import('./commands/doctor.ts')).addDoctorCommand],
]);

/** The command that is asked for, and only that one is loaded; the overview and the word for a mistyped name need all of them. */
async function asked(args: readonly string[]): Promise<readonly AddCommand[]> {
  const named = commands.get(args[0] ?? '');
  if (named) return [await named()];
  return Promise.all([...commands.values()].map((load) => load()));
}

/** Help and version were asked for; everything else that commander throws is a usage error it has already worded. */
const onRequest = new Set(['commander.helpDisplayed', 'commander.version']);

function sluiceProgram(host: CommandHost): Command {
  // Subcommands inherit these when they are made: set before any is added.
  return new Command('sluice')
    .description('Keeps local folders in S3 or an S3-compatible store, and can prove it.')
    .version(host.version, '-V, --version', 'print the version')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ helpWidth: host.stdout.columns ?? 100, showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(text),
      outputError: (text, write) => write(usageText(text)),
    })
    .addHelpText('after', overview);
}

const overview = `
Examples:
  sluice sync ~/Photos s3://my-bucket/photos        one pass
  sluice folder add ~/Photos s3://my-bucket/photos  keep it in S3 from now on …
  sluice daemon                                     … in the background, with a web page
  sluice verify ~/Photos --deep                     compare disk, ledger and bucket
  sluice doctor s3://my-bucket                      what is missing, and the permissions to ask for

Credentials come from the standard AWS chain: environment, profiles, SSO, instance metadata.
Run sluice <command> --help for its flags.`;

/** Commander's `error: …` as our one sentence; arguments in it come from outside. */
function usageText(text: string): string {
  const [first = '', ...suggestion] = text.trim().split('\n');
  const sentence = first.replace(/^error: /, '').replace(/\.?$/, '.');
  const rest = suggestion.length === 0 ? 'Run it with --help to see what it takes.' : suggestion.join(' ');
  return `${printable(`sluice: ${sentence.charAt(0).toUpperCase()}${sentence.slice(1)} ${rest}`)}\n`;
}
