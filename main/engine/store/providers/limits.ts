import { GiB, TiB } from '../../../../shared/units.ts';

/** AWS's, since December 2025: docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const awsMaxObjectBytes = 50_000_000_000_000;
/** S3's before that, which the others keep. */
export const classicMaxObjectBytes = 5 * TiB;
/** developers.cloudflare.com/r2/platform/limits: 5 TiB less 5 GiB. */
export const r2MaxObjectBytes = 5 * TiB - 5 * GiB;
