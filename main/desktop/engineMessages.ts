import { z } from 'zod';
import { ErrorView } from '../../shared/errorSchema.ts';

/*
 * What the main process and the engine's process say to each other. SyncApi's own messages travel inside `api` envelopes and are parsed by
 * shared/wire.ts; structured clone and JSON both carry all of this.
 */

const Keys = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });

/** The engine asks; the main process, which alone reaches the keychain, answers. */
export const SecretRequest = z.discriminatedUnion('verb', [
  z.object({ verb: z.literal('get'), ref: z.string() }),
  z.object({ verb: z.literal('set'), ref: z.string(), keys: Keys }),
  z.object({ verb: z.literal('delete'), ref: z.string() }),
]);
export type SecretRequest = z.infer<typeof SecretRequest>;

export const ToEngine = z.discriminatedUnion('kind', [
  /** First, once. */
  z.object({ kind: z.literal('start'), dataDir: z.string(), version: z.string() }),
  z.object({ kind: z.literal('api'), message: z.unknown() }),
  z.object({ kind: z.literal('secret'), id: z.number().int(), keys: Keys.nullable(), error: ErrorView.nullable() }),
  /** Checkpoint, close, end the process. */
  z.object({ kind: z.literal('stop'), graceMs: z.number().min(0) }),
]);
export type ToEngine = z.infer<typeof ToEngine>;

export const FromEngine = z.discriminatedUnion('kind', [
  /** From here on `api` messages are answered. */
  z.object({ kind: z.literal('ready') }),
  /** The engine can't run; the process waits for its end. */
  z.object({ kind: z.literal('failed'), error: ErrorView }),
  z.object({ kind: z.literal('api'), message: z.unknown() }),
  z.object({ kind: z.literal('secret'), id: z.number().int(), request: SecretRequest }),
  z.object({ kind: z.literal('stopped') }),
]);
export type FromEngine = z.infer<typeof FromEngine>;
