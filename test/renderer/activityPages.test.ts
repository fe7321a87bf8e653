import { describe, expect, it } from 'vitest';
import { ActivityPages } from '../../renderer/screens/activity/activityPages.ts';
import { createFixtureApi } from '../support/fixtureApi.ts';

const everything = { folderId: null, search: '', actions: [] };

describe('the pages of the activity', () => {
  it('list every row once, in order, however far one scrolls, and hold only some of them', async () => {
    const { api } = createFixtureApi('million');
    const pages = new ActivityPages(api, everything);
    while (pages.getState().count < 20_000) await pages.ensure(pages.getState().count, pages.getState().count);
    expect(pages.getState()).toMatchObject({ total: 1_000_000, hasMore: true });
    const held = Array.from({ length: pages.getState().count }, (_, index) => pages.row(index)).filter(Boolean);
    expect(held.length).toBeLessThanOrEqual(8_000);
    expect(pages.row(0)).toBeUndefined();
    await pages.ensure(0, 30);
    expect(pages.row(0)?.id).toBe(1_000_000);
    expect(pages.row(30)?.id).toBe(999_970);
    await pages.ensure(12_345, 12_345);
    expect(pages.row(12_345)?.id).toBe(1_000_000 - 12_345);
  });

  it('put new rows on top without losing or doubling one', async () => {
    const { api, addActivity } = createFixtureApi('million');
    const pages = new ActivityPages(api, everything);
    await pages.ensure(0, 300);
    for (let batch = 1; batch <= 5; batch++) {
      for (let n = 0; n < batch * 70; n++) addActivity({});
      expect(await pages.refresh()).toBe(batch * 70);
    }
    expect(await pages.refresh()).toBe(0);
    const { count, total } = pages.getState();
    expect(total).toBe(1_001_050);
    expect(Array.from({ length: count }, (_, index) => pages.row(index)?.id)).toEqual(
      Array.from({ length: count }, (_, index) => 1_001_050 - index),
    );
  });

  it('start over when thousands of rows came at once', async () => {
    const { api, addActivity } = createFixtureApi('million');
    const pages = new ActivityPages(api, everything);
    await pages.ensure(0, 10);
    for (let n = 0; n < 3_000; n++) addActivity({});
    await pages.refresh();
    expect(pages.row(0)?.id).toBe(1_003_000);
    await pages.ensure(2_199, 2_199);
    expect(pages.row(2_300)?.id).toBe(1_003_000 - 2_300);
  });

  it('end where the history ends', async () => {
    const pages = new ActivityPages(createFixtureApi('empty').api, everything);
    await pages.ensure(0, 0);
    expect(pages.getState()).toMatchObject({ count: 0, total: 0, hasMore: false, loaded: true });
  });

  it('say why when they cannot be read', async () => {
    const { api } = createFixtureApi('safe');
    const pages = new ActivityPages({ ...api, activity: () => Promise.reject(new Error('gone')) }, everything);
    await pages.ensure(0, 0);
    expect(pages.getState().error).toBeInstanceOf(Error);
  });
});
