import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What a run cost its process: a measuring aid (SLUICE_BENCH_FIGURES=<file>), see docs/performance.md. */
interface BenchFigures {
  /** Time between two ticks of a timer of `loopResolutionMs` on the control thread: an idle loop shows the resolution itself, and a little more. */
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  readonly loopResolutionMs: number;
  /** Of the whole process with all its threads, since it started. */
  readonly maxRssBytes: number;
  readonly cpuUserMs: number;
  readonly cpuSystemMs: number;
}

const resolutionMs = 1;

/** Measures from now on; `write` may throw the file system's errors. */
export function benchFigures(path: string): { write(): void } {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  return {
    write: () => {
      delay.disable();
      const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
      const figures: BenchFigures = {
        loopDelayP99Ms: delay.percentile(99) / 1e6,
        // Nothing was recorded: the run was over within one tick.
        loopDelayMaxMs: delay.count === 0 ? 0 : delay.max / 1e6,
        loopResolutionMs: resolutionMs,
        maxRssBytes: maxRSS * 1024,
        cpuUserMs: userCPUTime / 1000,
        cpuSystemMs: systemCPUTime / 1000,
      };
      writeFileSync(path, `${JSON.stringify(figures)}\n`);
    },
  };
}
