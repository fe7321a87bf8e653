import type { Measurement } from '../measure/measured.ts';

/** One run of one tool in one case. */
export interface Sample extends Measurement {
  readonly run: number;
  /** Requests that reached the sink, by S3 operation. */
  readonly requests: Readonly<Record<string, number>>;
  readonly bodyBytes: number;
  readonly connections: number;
  /** Of the control thread's event loop, in ms; null: the tool does not say. */
  readonly loopDelayP99Ms: number | null;
  /** The machine's load average of one minute when it began. */
  readonly load: number;
  /** Why it does not count; null: the sink has every object and byte. */
  readonly failure: string | null;
}

export interface ToolSamples {
  readonly tool: string;
  readonly title: string;
  readonly role: 'sluice' | 'peer' | 'ceiling';
  readonly samples: readonly Sample[];
}

export interface CaseReport {
  readonly letter: string;
  readonly name: string;
  readonly title: string;
  readonly files: number;
  readonly bytes: number;
  readonly run: 'first' | 'again';
  /** Of the simulated line that the case is over; null: none. */
  readonly lineBitsPerSecond: number | null;
  /** Why it was left out; null: it ran. */
  readonly skipped: string | null;
  readonly tools: readonly ToolSamples[];
}

export interface ToolReport {
  readonly name: string;
  readonly title: string;
  readonly version: string | null;
  readonly missing: string | null;
  readonly flags: string;
}

export interface BenchReport {
  readonly startedAt: string;
  readonly command: string;
  readonly quick: boolean;
  readonly runs: number;
  readonly seed: number;
  readonly sink: 'rust' | 'node';
  readonly machine: Machine;
  readonly tools: readonly ToolReport[];
  readonly cases: readonly CaseReport[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  readonly load: readonly number[];
}
