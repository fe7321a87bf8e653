import { closeSync, fstatSync, openSync, readFileSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { SluiceError } from '../../shared/errors.ts';
import { AdminPolicy, noPolicy } from '../../shared/policy.ts';

/** The policy in force and where it comes from; `source` null: there is none. */
export interface PolicyInForce {
  readonly source: string | null;
  readonly policy: AdminPolicy;
  /** Of the text; equal: nothing changed. */
  readonly text: string;
}

export interface PolicyPlaces {
  /** The machine's own file: nobody but an administrator writes there. */
  readonly machine: string;
  /** Used only where the machine has none: for trying a policy out, and for containers. */
  readonly fallback: string | null;
}

export function policyPlaces(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): PolicyPlaces {
  return { machine: machinePolicyPath(platform), fallback: env.SLUICE_POLICY_FILE || null };
}

// Not from %ProgramData%: users can set their environment, and would point it at a file of their own.
function machinePolicyPath(platform: NodeJS.Platform): string {
  if (platform === 'win32') return 'C:\\ProgramData\\Sluice\\policy.json';
  if (platform === 'darwin') return '/Library/Application Support/Sluice/policy.json';
  return '/etc/sluice/policy.json';
}

/**
 * Fails closed: a policy that can't be read, is not valid, or that ordinary users may write throws `policy-invalid`, and nothing is uploaded. Only a file that is not there
 * is no policy; one that SLUICE_POLICY_FILE names must be there.
 */
export function readPolicy({ machine, fallback }: PolicyPlaces): PolicyInForce {
  const text = readText(machine, 'machine');
  if (text !== null) return { source: machine, policy: parsePolicy(text, machine), text };
  if (fallback === null) return { source: null, policy: noPolicy, text: '' };
  const named = readText(fallback, 'named');
  if (named === null) throw invalid(fallback, 'it is not there, and SLUICE_POLICY_FILE names it');
  return { source: fallback, policy: parsePolicy(named, fallback), text: named };
}

/** What the stores of this machine are held to; undefined: there is no policy. Throws `policy-invalid`. */
export function machinePolicy(places: PolicyPlaces = policyPlaces()): AdminPolicy | undefined {
  const { source, policy } = readPolicy(places);
  return source === null ? undefined : policy;
}

/** A problem of a policy: where in it, and what. */
export interface PolicyProblem {
  readonly path: string;
  readonly message: string;
}

/** The policy, or everything that is wrong with it. */
export function checkPolicy(
  text: string,
):
  | { readonly ok: true; readonly policy: AdminPolicy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] } {
  let json: unknown;
  try {
    // Windows' editors begin a file with a byte order mark.
    json = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    return { ok: false, problems: [{ path: '', message: `not JSON: ${(error as Error).message}` }] };
  }
  const parsed = AdminPolicy.safeParse(json);
  if (parsed.success) return { ok: true, policy: parsed.data };
  const problems = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  return { ok: false, problems };
}

function parsePolicy(text: string, path: string): AdminPolicy {
  const checked = checkPolicy(text);
  if (checked.ok) return checked.policy;
  const [first] = checked.problems;
  const more = checked.problems.length > 1 ? ` (and ${checked.problems.length - 1} more)` : '';
  throw invalid(path, `${first?.path ? `${first.path}: ` : ''}${first?.message}${more}`);
}

/** null: there is no such file. */
function readText(path: string, kind: 'machine' | 'named'): string | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw invalid(path, `it can't be read (${code})`, error);
  }
  try {
    if (kind === 'machine') {
      refuseWritable(path, fstatSync(file));
      refuseWritable(dirname(path), statSync(dirname(path)));
    }
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw invalid(path, `it can't be read (${(error as NodeJS.ErrnoException).code})`, error);
  } finally {
    closeSync(file);
  }
}

/** Windows' rights are lists that Node doesn't show: ProgramData keeps users from changing what an administrator made there. */
export function refuseWritable(path: string, { mode, uid }: Pick<Stats, 'mode' | 'uid'>): void {
  if (process.platform === 'win32') return;
  if (uid !== 0) throw invalid(path, 'it does not belong to root');
  if ((mode & 0o022) !== 0) throw invalid(path, 'others than its owner may write it');
}

const invalid = (path: string, problem: string, cause?: unknown): SluiceError =>
  new SluiceError('policy-invalid', `The admin policy ${path} is not valid: ${problem}`, { cause });
