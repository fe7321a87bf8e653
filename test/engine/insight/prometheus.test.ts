import { execFileSync, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { prometheusText } from '../../../main/engine/insight/prometheusText.ts';
import { startDaemon } from '../../../main/headless/daemon/startDaemon.ts';
import { openHarness } from '../../support/engineHarness.ts';

const installed = (tool: string): boolean => {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const synced = async () => {
  const harness = await openHarness();
  await harness.write('a "quoted" name.txt', 'hello');
  await harness.write('b.bin', Buffer.alloc(100_000, 7));
  const engine = await harness.open();
  const id = await harness.folder(engine);
  await engine.runOnce(id, { signal: new AbortController().signal, dryRun: false });
  return { harness, engine };
};

it('what is scraped is what happened, and names no path', async () => {
  const { harness, engine } = await synced();
  try {
    const text = prometheusText(await engine.metrics());
    expect(text).toContain('sluice_files_total{outcome="uploaded"} 2\n');
    expect(text).toContain('sluice_payload_bytes_total 100005\n');
    expect(text).toContain('sluice_requests_total{operation="PutObject"} 2\n');
    expect(text).toContain('sluice_part_duration_seconds_count 2\n');
    expect(text).toContain('sluice_folder_proven_files{folder_id="1",bucket="engine-test"} 2\n');
    expect(text).toContain('sluice_target_met{target="success"} 1\n');
    expect(text).not.toContain('quoted');
    expect(text).not.toContain(harness.root);
  } finally {
    await harness.close();
  }
});

it('every metric that the dashboard asks for exists, and the docs name them all', async () => {
  const { harness, engine } = await synced();
  try {
    const names = (await engine.metrics()).map(({ name }) => name);
    const dashboard = await readFile(join(import.meta.dirname, '../../../docs/grafana-dashboard.json'), 'utf8');
    const { panels } = JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] };
    const asked = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => expr.match(/sluice_\w+/g) ?? []));
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((name) => !names.includes(name.replace(/_bucket$/, '')))).toEqual([]);
    const docs = await readFile(join(import.meta.dirname, '../../../docs/monitoring.md'), 'utf8');
    expect(names.filter((name) => !docs.includes(`| \`${name}\` |`))).toEqual([]);
  } finally {
    await harness.close();
  }
});

it.skipIf(!installed('promtool'))('promtool finds nothing to mend in it', async () => {
  const { harness, engine } = await synced();
  try {
    const text = prometheusText(await engine.metrics());
    expect(execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })).toBe('');
  } finally {
    await harness.close();
  }
});

it.skipIf(!installed('prometheus'))(
  'a real Prometheus scrapes the daemon with the token file',
  { timeout: 60_000 },
  async () => {
    const { harness, engine } = await synced();
    const scrapeToken = 'a-token-of-scrapers-and-of-nobody-else';
    const daemon = await startDaemon({ engine, port: 0, rendererDir: harness.root, scrapeToken });
    const port = await freePort();
    await writeFile(join(harness.dataDir, 'token'), scrapeToken);
    const job = `- job_name: sluice
  scrape_interval: 1s
  authorization: { credentials_file: token }
  static_configs: [{ targets: ['127.0.0.1:${daemon.port}'] }]`;
    const config = join(harness.dataDir, 'prometheus.yml');
    await writeFile(config, `scrape_configs:\n${job}\n`);
    const flags = [`--config.file=${config}`, `--storage.tsdb.path=${join(harness.dataDir, 'tsdb')}`];
    const server = spawn('prometheus', [...flags, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
    const exited = new Promise((resolve) => server.once('exit', resolve));
    try {
      const query = `http://127.0.0.1:${port}/api/v1/query?query=sluice_payload_bytes_total`;
      await expect
        .poll(
          async () =>
            JSON.stringify(
              await fetch(query)
                .then((answer) => answer.json())
                .catch(() => null),
            ),
          {
            timeout: 45_000,
            interval: 500,
          },
        )
        .toContain('"100005"');
    } finally {
      server.kill();
      await exited;
      await daemon.close();
      await harness.close();
    }
  },
);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
