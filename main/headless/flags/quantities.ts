import { z } from 'zod';
import { parseRate, parseSize } from '../../../shared/units.ts';

/** `512MiB`: bytes, ≥ 0. */
export const sizeFlagOrZero = z.string().transform((text, context): number => {
  const bytes = parseSize(text);
  if (bytes !== undefined && Number.isSafeInteger(bytes)) return bytes;
  context.addIssue(`'${text}' is not a size; write it like 512MiB or 10GiB`);
  return z.NEVER;
});

/** Bytes, > 0. */
export const sizeFlag = sizeFlagOrZero.refine((bytes) => bytes > 0, 'the size must be more than nothing');

/** `20MiB/s`, `160Mbps`: bytes per second. */
export const rateFlag = z.string().transform((text, context): number => {
  const bytesPerSecond = parseRate(text);
  if (bytesPerSecond !== undefined) return bytesPerSecond;
  context.addIssue(`'${text}' is not a rate; write it like 20MiB/s or 160Mbps`);
  return z.NEVER;
});

/** A whole number in [min, max]. */
export const countFlag = (min: number, max: number) =>
  z.string().transform((text, context): number => {
    const count = Number(text);
    if (/^\d+$/.test(text) && count >= min && count <= max) return count;
    context.addIssue(`'${text}' is not a whole number from ${min} to ${max}`);
    return z.NEVER;
  });

export const choiceFlag = <const Choice extends string>(...choices: readonly [Choice, ...Choice[]]) =>
  z.enum(choices, { error: (issue) => `'${String(issue.input)}' is not one of ${choices.join(', ')}` });
