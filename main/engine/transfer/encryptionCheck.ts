import type { ObjectPolicy } from '../../../shared/settings.ts';

/** Whether the store does what the folder's encryption setting asks: some take the header and ignore it. Asked once a run, and whenever HeadObject is sent anyway. */
export interface EncryptionCheck {
  /** true once, where the setting asks for something: the caller sends a HeadObject. */
  mustLook(): boolean;
  /** `sse` as HeadObject named it. */
  holds(sse: string | null): boolean;
}

export function createEncryptionCheck({ sse }: ObjectPolicy): EncryptionCheck {
  let looked = sse.kind === 'bucket-default';
  return {
    mustLook: () => {
      const must = !looked;
      looked = true;
      return must;
    },
    // `aws:kms:dsse` is more than was asked for.
    holds: (named) => sse.kind === 'bucket-default' || named === sse.kind || (named ?? '').startsWith(`${sse.kind}:`),
  };
}
