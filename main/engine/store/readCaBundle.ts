import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { SluiceError } from '../../../shared/errors.ts';

/** The bundle is trusted on top of what Node trusts: a private authority doesn't take AWS away. Throws `bad-settings`. */
export function readCaBundle(path: string): string[] {
  const bad = (why: string, cause: unknown): SluiceError =>
    new SluiceError('bad-settings', `The CA bundle ${path} ${why}`, {
      remedy: 'Name a PEM file with --ca-bundle.',
      cause,
    });
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch (cause) {
    throw bad("can't be read", cause);
  }
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw bad('holds no certificate', cause);
  }
  return [...getCACertificates('default'), pem];
}
