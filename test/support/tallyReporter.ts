import { appendFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** The closing line `N passed, N failed, N skipped`; also into `SLUICE_TALLY`, so that several runs can be summed. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tally = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) {
        const { state } = test.result();
        tally[state === 'passed' ? 'passed' : state === 'failed' ? 'failed' : 'skipped']++;
      }
      // A file that could not even be loaded has no tests to count.
      if (module.state() === 'failed' && !tests.some((test) => test.result().state === 'failed')) tally.failed++;
    }
    process.stdout.write(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped\n`);
    const file = process.env.SLUICE_TALLY;
    if (file) appendFileSync(file, `${JSON.stringify(tally)}\n`);
  }
}
