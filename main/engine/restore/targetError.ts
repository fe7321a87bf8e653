import { SluiceError } from '../../../shared/errors.ts';

/** What the target's file system refused. A SluiceError passes unchanged. */
export function targetError(thrown: unknown, path: string): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const error = thrown as NodeJS.ErrnoException;
  const code = error.code ?? '';
  const details = { path, cause: thrown };
  if (code === 'ELOOP') return new SluiceError('target-unsafe', `A symbolic link is in the way of ${path}`, details);
  if (code === 'ENOTDIR')
    return new SluiceError('target-unsafe', `A file is where a folder of ${path} should be`, details);
  if (code === 'EISDIR' || code === 'ENOTEMPTY')
    return new SluiceError('target-unsafe', `A folder is where the file ${path} should be`, details);
  if (code === 'ENAMETOOLONG' || code === 'EILSEQ' || code === 'EINVAL')
    return new SluiceError('name-unsupported', `This file system can't hold the name ${path} (${code})`, {
      ...details,
      remedy: 'Restore it to another file system, or leave it out with --exclude.',
    });
  return new SluiceError('target-unwritable', `${path} can't be written (${code || error.message})`, details);
}

/** Every other file would fail as well. */
export const isDiskFull = (error: SluiceError): boolean =>
  error.code === 'target-unwritable' &&
  ['ENOSPC', 'EDQUOT', 'EROFS'].includes((error.cause as NodeJS.ErrnoException | undefined)?.code ?? '');
