import { truncateMiddle } from '../text/truncateMiddle.ts';

interface PathTextProps {
  readonly path: string;
  /** User-visible characters. */
  readonly limit?: number;
  readonly className?: string;
}

/** A name from outside: isolated, so that a right-to-left name can't rearrange the sentence around it. */
export function PathText({ path, limit = 60, className }: PathTextProps) {
  const shown = truncateMiddle(path, limit);
  return (
    <bdi className={className} title={shown === path ? undefined : path}>
      {shown}
    </bdi>
  );
}
