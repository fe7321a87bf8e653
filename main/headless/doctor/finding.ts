/** What one check of `sluice doctor` found. */
export interface Finding {
  readonly name: string;
  /** `note`: worth knowing, nothing is broken. */
  readonly state: 'fine' | 'note' | 'wrong';
  readonly detail: string;
  readonly remedy: string | null;
}
