import { z } from 'zod';
import { errorCodes, type ErrorView as View } from './errors.ts';

/** ErrorView, checked. Apart from errors.ts, so that worker threads, which only make errors, need not load zod. */
export const ErrorView = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  remedy: z.string(),
  retryable: z.boolean(),
  retryAfterMs: z.number().optional(),
  httpStatus: z.number().optional(),
  s3Code: z.string().optional(),
  requestId: z.string().optional(),
  operation: z.string().optional(),
  path: z.string().optional(),
}) satisfies z.ZodType<View>;
