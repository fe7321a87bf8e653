import type { Command } from 'commander';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import { locksOf, type PolicyView } from '../../../shared/policy.ts';
import type { IssueView, Snapshot } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount, formatDuration, formatRate } from '../../../shared/units.ts';
import { policyPlaces, readPolicy } from '../../engine/policyFile.ts';
import { connectDaemon, type DaemonConnection } from '../daemon/connectDaemon.ts';
import { dataDirOf } from '../dataDir.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { addDataDirFlag } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { type LedgerStatus, readLedgerStatus } from '../readLedgerStatus.ts';
import { transferLine } from '../report/progressText.ts';
import { errorSentence, say, sayJson } from '../say.ts';
import { folderLine } from './folder.ts';
import { sayLocks } from './policy.ts';

export function addStatusCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const command = program
    .command('status')
    .summary('how every folder is doing')
    .description(
      'State of every folder, the queue, current transfers and issues: from the daemon while it runs, from the ledger otherwise.',
    )
    .option('--json', 'one JSON line');
  addDataDirFlag(command);
  command.action(async (raw: unknown) => {
    await runStatus(host, raw);
    done(0);
  });
}

const StatusFlags = z.object({ json: z.boolean().default(false), dataDir: z.string().optional() });

async function runStatus(host: CommandHost, raw: unknown): Promise<void> {
  const flags = parseFlags(StatusFlags, raw);
  const dataDir = dataDirOf(host, flags.dataDir);
  const daemon = await connectDaemon(dataDir);
  if (daemon === null) return sayLedger(host, await ledgerStatusOrNone(dataDir), flags.json);
  try {
    await sayDaemon(host, daemon, flags.json);
  } finally {
    daemon.close();
  }
}

async function sayDaemon(host: CommandHost, daemon: DaemonConnection, json: boolean): Promise<void> {
  const snapshot = await daemon.api.snapshot({});
  const { issues } = await daemon.api.issues({});
  const policy = await daemon.api.policy({});
  if (json) {
    const { rate: _history, ...now } = snapshot;
    return sayJson(host, { type: 'status', ...{ running: true, pid: daemon.pid, ...now, issues, policy } });
  }
  say(host.stdout, snapshot.sentence.text);
  for (const folder of snapshot.folders) say(host.stdout, `  ${folderLine(folder)}`);
  const { totals } = snapshot;
  if (totals.filesQueued > 0 || totals.filesInFlight > 0) say(host.stdout, queueLine(totals));
  for (const transfer of snapshot.transfers) say(host.stdout, `  ${transferLine(transfer)}`);
  sayIssues(host, issues);
  sayPolicy(host, policy);
}

function queueLine(totals: Snapshot['totals']): string {
  const eta = totals.etaMs === null ? '' : `, about ${formatDuration(totals.etaMs)} left`;
  return `${formatCount(totals.filesQueued)} waiting (${formatBytes(totals.bytesQueued)}), ${formatCount(totals.filesInFlight)} moving at ${formatRate(totals.bytesPerSecond)} over ${formatCount(totals.connections)} connections${eta}`;
}

function sayLedger(host: CommandHost, status: LedgerStatus | null, json: boolean): void {
  const policy = policyOf(host);
  if (json) {
    const empty: LedgerStatus = { owner: null, folders: [], issues: [] };
    return sayJson(host, { type: 'status', ...{ running: status?.owner != null, ...(status ?? empty), policy } });
  }
  say(
    host.stdout,
    status?.owner
      ? `${status.owner.holder} is running here (process ${status.owner.pid}); this is what its ledger says`
      : 'No Sluice is running here: start one with sluice daemon',
  );
  if (status === null || status.folders.length === 0) say(host.stdout, 'No folder is kept in S3 yet');
  for (const folder of status?.folders ?? []) {
    const paused = folder.paused ? ', paused' : '';
    const failed = folder.filesFailed > 0 ? `, ${formatCount(folder.filesFailed)} failed` : '';
    const queued =
      folder.filesQueued > 0 ? `, ${formatCount(folder.filesQueued)} waiting (${formatBytes(folder.bytesQueued)})` : '';
    say(
      host.stdout,
      `  ${folder.id}  ${folder.path} → ${folder.uri}  ${formatCount(folder.filesProven)} of ${formatCount(folder.filesTotal)} ${folder.filesTotal === 1 ? 'file' : 'files'} confirmed in S3${queued}${failed}${paused}`,
    );
  }
  sayIssues(host, status?.issues ?? []);
  sayPolicy(host, policy);
}

function sayIssues(host: CommandHost, issues: readonly IssueView[]): void {
  if (issues.length === 0) return;
  say(host.stdout, `${formatCount(issues.length)} ${issues.length === 1 ? 'issue' : 'issues'}:`);
  for (const issue of issues) {
    say(host.stdout, `  ${issue.path === null ? '' : `${issue.path}: `}${errorSentence(issue)}`);
  }
}

function policyOf(host: CommandHost): PolicyView {
  const { source, policy } = readPolicy(policyPlaces(host.env));
  return { source, locks: [...locksOf(policy)] };
}

function sayPolicy(host: CommandHost, { source, locks }: PolicyView): void {
  if (source === null) return;
  say(host.stdout, `The admin policy ${source} is in force:`);
  sayLocks(host, locks);
}

/** A data directory without a ledger is simply one where nothing was done yet. */
async function ledgerStatusOrNone(dataDir: string): Promise<LedgerStatus | null> {
  try {
    return await readLedgerStatus(dataDir);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'not-found') return null;
    throw error;
  }
}
