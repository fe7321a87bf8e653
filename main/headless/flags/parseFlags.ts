import type { z } from 'zod';
import { usageError } from '../say.ts';

/** Flags as commander read them, through a schema whose fields are called like the flags; one sentence for the first that is wrong. */
export function parseFlags<Schema extends z.ZodType>(schema: Schema, raw: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path[0];
  const flag = typeof field === 'string' ? `--${kebab(field)}: ` : '';
  throw usageError(`${flag}${issue?.message ?? 'this is not understood'}`);
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
