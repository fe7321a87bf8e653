import { useCallback, useState } from 'react';
import { errorView } from '../../shared/errors.ts';
import { notify } from './notices.ts';

/** Runs one action at a time; its failure becomes a notice with its remedy. Resolves to whether it worked. */
export function useAction(): {
  readonly busy: boolean;
  run(action: () => Promise<unknown>, done?: string): Promise<boolean>;
} {
  const [busy, setBusy] = useState(false);
  const run = useCallback(async (action: () => Promise<unknown>, done?: string) => {
    setBusy(true);
    try {
      await action();
      if (done) notify({ kind: 'done', text: done, remedy: null });
      return true;
    } catch (error) {
      const view = errorView(error);
      notify({ kind: 'failed', text: view.message, remedy: view.remedy });
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, run };
}
