import { describe, expect, it } from 'vitest';
import { dayRange, daySplits } from '../../renderer/charts/dayScale.ts';
import { fitScale } from '../../renderer/charts/fitScale.ts';
import { summarizeRate } from '../../renderer/charts/summarizeRate.ts';
import { splitRemedy } from '../../renderer/screens/issues/splitRemedy.ts';
import { addFolderCommand, commandLine } from '../../renderer/text/commandLine.ts';
import { folderTotals } from '../../renderer/text/folderTotals.ts';
import { timeAgo } from '../../renderer/text/timeAgo.ts';
import { tomorrowMorning } from '../../renderer/text/tomorrowMorning.ts';
import { truncateMiddle } from '../../renderer/text/truncateMiddle.ts';
import type { FolderView } from '../../shared/syncApi.ts';
import { MiB } from '../../shared/units.ts';
import { createFixtureApi } from '../support/fixtureApi.ts';

describe('long names', () => {
  it('keep their beginning and their extension', () => {
    const short = truncateMiddle('Projects/2026/report of the year, final version.docx', 24);
    expect(short).toHaveLength(24);
    expect(short).toMatch(/^Projects.*….*\.docx$/);
  });
  it('are left alone when they fit', () => expect(truncateMiddle('a.txt', 5)).toBe('a.txt'));
  it('are never cut inside an emoji or an accent', () => {
    const family = '👩‍👩‍👧‍👦';
    expect(truncateMiddle(family.repeat(10), 5)).toBe(`${family}…${family.repeat(3)}`);
    expect(truncateMiddle('e\u0301'.repeat(10), 5)).toBe(`e\u0301…${'e\u0301'.repeat(3)}`);
  });
});

describe('the command shown', () => {
  it('survives a shell: spaces, quotes, dollars and globs stay what they are', () => {
    expect(commandLine(['sluice', 'folder', 'add', "/home/ada's files/$HOME *"])).toBe(
      "sluice folder add '/home/ada'\\''s files/$HOME *'",
    );
    expect(commandLine(['a', ''])).toBe("a ''");
  });
  it('never contains a typed secret', () => {
    const command = addFolderCommand({
      path: '/data',
      uri: 's3://bucket/',
      rules: { include: [], exclude: ['*.tmp'] },
      connection: {
        endpointUrl: 'http://127.0.0.1:9000',
        region: null,
        pathStyle: true,
        verifyTls: true,
        caBundlePath: null,
        credentials: { kind: 'keys', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'hush' },
      },
    });
    expect(command).not.toMatch(/hush|AKIDEXAMPLE/);
    expect(command).toContain(
      "sluice folder add /data s3://bucket/ --endpoint-url http://127.0.0.1:9000 --path-style --exclude '*.tmp'",
    );
  });
});

describe('how far a folder is', () => {
  const view = async (change: Partial<FolderView>): Promise<FolderView> => {
    const { folders } = await createFixtureApi('safe').api.snapshot({});
    return { ...folders[0]!, ...change };
  };
  it('is 100 percent only when every file is proven and the scan is over', async () => {
    expect(folderTotals(await view({})).percent).toBe(100);
    expect(folderTotals(await view({ totalsAtLeast: true })).percent).toBe(99);
    expect(folderTotals(await view({ bytesProven: 61 * 1024 ** 3 - 1 })).percent).toBe(99);
    expect(folderTotals(await view({ filesProven: 12_407 })).percent).toBe(99);
    const unproven = await view({ bytesProven: 0, filesProven: 12_407 });
    expect(folderTotals(unproven, unproven.bytesTotal / 2).percent).toBe(50);
    expect(folderTotals(unproven, unproven.bytesTotal).percent).toBe(99);
  });
  it('says "at least" while it is being scanned', async () => {
    expect(folderTotals(await view({ totalsAtLeast: true, filesProven: 1, bytesProven: 1 })).text).toMatch(
      /^at least /,
    );
  });
  it('is nothing for a folder whose files are all empty and unproven', async () => {
    expect(folderTotals(await view({ bytesTotal: 0, bytesProven: 0, filesTotal: 3, filesProven: 0 })).percent).toBe(0);
  });
});

describe('the plot', () => {
  it('brings the limit line in unless it would flatten the curve', () => {
    expect(fitScale([50 * MiB], 80 * MiB)).toBe(100 * MiB);
    expect(fitScale([1 * MiB], 800 * MiB)).toBe(2 * MiB);
    expect(fitScale([], null)).toBe(MiB);
    expect(fitScale([999 * MiB], null)).toBeGreaterThan(999 * MiB);
  });
  it('is summed up in words', () => {
    expect(summarizeRate([])).toEqual({ average: 0, fastest: 0, minutes: 1 });
    const samples = [
      { at: 0, bytesPerSecond: 10 },
      { at: 120_000, bytesPerSecond: 30 },
    ];
    expect(summarizeRate(samples)).toEqual({ average: 20, fastest: 30, minutes: 2 });
  });
});

it('a remedy that is a command can be copied', () => {
  expect(splitRemedy('Raise the limit: sudo sysctl fs.inotify.max_user_watches=1048576')).toEqual({
    text: 'Raise the limit:',
    command: 'sudo sysctl fs.inotify.max_user_watches=1048576',
  });
  expect(splitRemedy('Ask for it; `sluice doctor s3://bucket` names it.').command).toBe('sluice doctor s3://bucket');
  expect(splitRemedy('Close the program that writes it.').command).toBeNull();
});

it('times ago and tomorrow are what people mean', () => {
  expect(timeAgo(0, 59_000)).toBe('just now');
  expect(timeAgo(0, 7_300_000)).toBe('2 hours ago');
  expect(timeAgo(10_000, 0)).toBe('just now');
  expect(tomorrowMorning(new Date(2026, 11, 31, 23, 50))).toEqual(new Date(2027, 0, 1, 8));
});

describe('the days of the cost plot', () => {
  const first = Date.UTC(2026, 10, 1) / 1000;
  const day = 86_400;
  it('are one day wide on the first of the month, not years', () => {
    expect(dayRange([first])).toEqual([first, first + day]);
    expect(daySplits(...dayRange([first]), 10)).toEqual([first, first + day]);
  });
  it('are named at whole days, no more of them than there is room for', () => {
    const month = Array.from({ length: 30 }, (_, index) => first + index * day);
    expect(dayRange(month)).toEqual([first, first + 29 * day]);
    const splits = daySplits(...dayRange(month), 10);
    expect(splits).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24, 27].map((index) => first + index * day));
    expect(daySplits(...dayRange(month), 0)).toEqual([first]);
  });
});
