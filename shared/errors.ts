/**
 * Every failure Sluice can name. The code decides the exit code, the remedy and whether waiting helps; add one here before
 * throwing anything new.
 */
export const errorCodes = [
  // what was asked for
  'usage',
  'folder-missing',
  'folder-unreadable',
  'not-a-folder',
  'bad-uri',
  'bad-settings',
  'not-found',
  // this machine
  'ledger-locked',
  'ledger-newer',
  'ledger-corrupt',
  'ledger-full',
  'ledger-io',
  'source-missing',
  'source-unreadable',
  'source-changed',
  'source-keeps-changing',
  'name-unsupported',
  'key-too-long',
  'file-too-large',
  'watch-limit',
  'worker-died',
  'keychain-unavailable',
  // the store
  'store-dns',
  'store-unreachable',
  'store-tls',
  'store-timeout',
  'store-throttled',
  'store-server-error',
  'no-credentials',
  'wrong-keys',
  'expired-credentials',
  'access-denied',
  'clock-skew',
  'no-such-bucket',
  'wrong-region',
  'no-such-upload',
  'no-such-key',
  'checksum-mismatch',
  'proof-missing',
  'precondition-failed',
  'foreign-object',
  'encryption-missing',
  'conflict',
  'invalid-part',
  'store-refused',
  // bringing files back
  'object-archived',
  'target-exists',
  'target-unsafe',
  'target-unwritable',
  'target-busy',
  // guards
  'root-changed',
  'mass-delete',
  'budget-near',
  'budget-reached',
  'lifecycle-unreadable',
  'policy-locked',
  'policy-refused',
  'policy-invalid',
  'interrupted',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** An error as it travels between threads, processes and screens; parsed by errorSchema.ts where it comes from outside. */
export interface ErrorView {
  readonly code: ErrorCode;
  /** One sentence, what happened. */
  readonly message: string;
  /** One sentence, what the user can do. */
  readonly remedy: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly httpStatus?: number | undefined;
  readonly s3Code?: string | undefined;
  readonly requestId?: string | undefined;
  readonly operation?: string | undefined;
  readonly path?: string | undefined;
}

export type ErrorDetails = Partial<Omit<ErrorView, 'code' | 'message'>> & { readonly cause?: unknown };

export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: ErrorCode;
  readonly details: Omit<ErrorView, 'code' | 'message'>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const { cause, ...rest } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = {
      ...rest,
      remedy: rest.remedy ?? remedies[code],
      retryable: rest.retryable ?? waitingHelps.has(code),
    };
  }

  get retryable(): boolean {
    return this.details.retryable;
  }

  view(): ErrorView {
    return { code: this.code, message: this.message, ...this.details };
  }

  static fromView(view: ErrorView): SluiceError {
    const { code, message, ...details } = view;
    return new SluiceError(code, message, details);
  }
}

/** Anything thrown, as a view; what isn't ours becomes `internal` with its message kept. */
export function errorView(thrown: unknown): ErrorView {
  if (thrown instanceof SluiceError) return thrown.view();
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: 'internal', message, remedy: remedies.internal, retryable: false };
}

/** Exit codes of cli.md: 1 some files failed, 2 usage, 3 the store, 4 a guard, 130 interrupted. */
export function exitCodeFor(code: ErrorCode): 1 | 2 | 3 | 4 | 130 {
  if (code === 'interrupted') return 130;
  if (guards.has(code)) return 4;
  if (storeRefusals.has(code)) return 3;
  if (usageErrors.has(code)) return 2;
  return 1;
}

const guards = new Set<ErrorCode>([
  'root-changed',
  'mass-delete',
  'policy-locked',
  'policy-refused',
  'budget-near',
  'budget-reached',
  'lifecycle-unreadable',
]);
const usageErrors = new Set<ErrorCode>([
  'usage',
  'folder-missing',
  'folder-unreadable',
  'not-a-folder',
  'bad-uri',
  'bad-settings',
  'not-found',
  'ledger-locked',
  'ledger-newer',
  'ledger-corrupt',
  'ledger-full',
  'ledger-io',
  'target-busy',
  'policy-invalid',
]);
const storeRefusals = new Set<ErrorCode>([
  'store-dns',
  'store-unreachable',
  'store-tls',
  'store-timeout',
  'store-throttled',
  'store-server-error',
  'no-credentials',
  'wrong-keys',
  'expired-credentials',
  'access-denied',
  'clock-skew',
  'no-such-bucket',
  'wrong-region',
  'store-refused',
]);
const waitingHelps = new Set<ErrorCode>([
  'store-dns',
  'store-unreachable',
  'store-timeout',
  'store-throttled',
  'store-server-error',
  'checksum-mismatch',
  'conflict',
  'source-changed',
  'worker-died',
  'clock-skew',
]);

/** The default remedy for each code; whoever throws can say it better with what it knows. */
export const remedies: Readonly<Record<ErrorCode, string>> = {
  usage: 'Run the command with --help to see what it takes.',
  'folder-missing': 'Check the path, or plug in the drive it is on.',
  'folder-unreadable': 'Give your user read permission on this folder.',
  'not-a-folder': 'Name the folder that holds the file, and use --include to pick the file.',
  'bad-uri': 'Write it as s3://bucket or s3://bucket/prefix.',
  'bad-settings': 'Correct the named setting.',
  'not-found': 'Run `sluice folder list` to see what there is.',
  'ledger-locked': 'Stop the other Sluice first, or use another --data-dir.',
  'ledger-newer': 'Update Sluice, or use another --data-dir.',
  'ledger-corrupt':
    'Run `sluice ledger rebuild <folder> <s3-uri>`: it sets the damaged ledger aside and makes a new one from the bucket.',
  'ledger-full': 'Free space on the disk that holds the data directory, then run it again: nothing is lost.',
  'ledger-io': 'Check the disk and the permissions of the data directory.',
  'source-missing': 'Nothing to do: the file was removed before it was uploaded.',
  'source-unreadable': 'Give your user read permission on this file, or exclude it.',
  'source-changed': 'Nothing to do: it is uploaded again once it is quiet.',
  'source-keeps-changing': 'Close the program that writes it, or exclude it.',
  'name-unsupported': 'Rename the file, or exclude it.',
  'key-too-long': 'Shorten the path or the prefix: an S3 key has at most 1,024 bytes.',
  'file-too-large': 'Split the file: this store takes no object of that size.',
  'watch-limit': 'Raise the limit: sudo sysctl fs.inotify.max_user_watches=1048576',
  'worker-died': 'Nothing to do: the worker was restarted.',
  'keychain-unavailable': 'Unlock or install a keychain (GNOME Keyring, KWallet), or sign in with an AWS profile.',
  'store-dns': 'Check the endpoint URL and your network.',
  'store-unreachable': 'Check the endpoint URL, your network and any firewall or proxy.',
  'store-tls': 'Check the certificate, or name its authority with --ca-bundle.',
  'store-timeout': 'Check the network; Sluice goes on by itself when the store answers.',
  'store-throttled': 'Nothing to do: Sluice slows down by itself.',
  'store-server-error': 'Nothing to do: Sluice tries again. If it lasts, ask the provider.',
  'no-credentials': 'Sign in: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile.',
  'wrong-keys': 'Check the access key and the secret key for this endpoint.',
  'expired-credentials': 'Sign in again (for SSO: aws sso login).',
  'access-denied': 'Ask for the missing permission; `sluice doctor s3://bucket` names it.',
  'clock-skew': "Set this machine's clock: S3 accepts at most 15 minutes of difference.",
  'no-such-bucket': 'Create the bucket, or correct its name or the endpoint.',
  'wrong-region': 'Set the region of the bucket with --region.',
  'no-such-upload': 'Nothing to do: the upload is started again.',
  'no-such-key': 'Somebody deleted it from the bucket. Change the file, or add the folder anew, to upload it again.',
  'checksum-mismatch':
    "It is sent again. If that lasts, something on the way changes bytes: check the network and this machine's memory.",
  'proof-missing': 'Run `sluice verify`; this store does not confirm checksums.',
  'precondition-failed': 'Somebody else wrote this object; choose which one to keep.',
  'foreign-object':
    'Move or delete it in the bucket, use another prefix, or let this folder overwrite such objects (--on-foreign overwrite).',
  'encryption-missing': "Set the bucket's default encryption, or choose another --sse that this store does.",
  conflict: 'Nothing to do: it is tried again.',
  'invalid-part': 'Nothing to do: the upload is started again.',
  'store-refused': 'Read the message of the store; `sluice doctor` can help.',
  'object-archived':
    'Ask the store to bring it back first (aws s3api restore-object), wait until it is there, then restore again.',
  'target-exists': 'Restore into another folder, or let the object replace the file with --overwrite.',
  'target-unsafe': 'Remove what is in the way, or restore into an empty folder.',
  'target-unwritable':
    'Check free space and permissions of the folder, then run it again: it goes on where it stopped.',
  'target-busy': 'Wait until the other restore has ended, or restore into another folder.',
  'root-changed': 'Check that the right disk is mounted, then run again.',
  'mass-delete': 'Look at the list with --dry-run; allow more with --max-delete.',
  'budget-near':
    'Raise the monthly budget on the Cost screen or with `sluice cost --budget`, or wait: uploads stop when it is used up.',
  'budget-reached':
    'Raise the monthly budget on the Cost screen or with `sluice cost --budget`, or wait for the next month: nothing is lost, uploads go on by themselves.',
  'lifecycle-unreadable': "Change the bucket's lifecycle rules where they were made; Sluice leaves them as they are.",
  'policy-locked': 'Ask your administrator, or leave it as it is.',
  'policy-refused': 'Choose what the policy allows (`sluice status` shows it), or ask your administrator.',
  'policy-invalid':
    'Ask your administrator to correct the file: `sluice policy check` names every problem. Nothing is uploaded meanwhile.',
  interrupted: 'Run it again: it goes on where it stopped.',
  internal: 'Please report this with what `sluice doctor` prints.',
};
