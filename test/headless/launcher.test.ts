import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const launcher = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-bin-'));
  mkdirSync(join(root, 'bin'));
  cpSync(launcher, join(root, 'bin', 'sluice.js'));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
});
afterEach(() => rmSync(root, { recursive: true }));

function install(program: string): void {
  mkdirSync(join(root, 'dist', 'main'), { recursive: true });
  writeFileSync(join(root, 'dist', 'main', 'sluice.js'), program);
}

/** What an older Node shows of itself, put over the real one before the launcher looks. */
function run(options: { readonly nodeVersion?: string } = {}) {
  const pretend = join(root, 'pretend.cjs');
  writeFileSync(
    pretend,
    `if (!process.env.SLUICE_RELAUNCHED && ${JSON.stringify(options.nodeVersion ?? '')})
       Object.defineProperty(process, 'versions', { value: { ...process.versions, node: ${JSON.stringify(options.nodeVersion ?? '')} } });`,
  );
  return spawnSync(process.execPath, ['--require', pretend, join(root, 'bin', 'sluice.js'), 'one', 'two words'], {
    encoding: 'utf8',
  });
}

describe('bin/sluice.js', () => {
  it('starts the built program with its arguments', () => {
    install('console.log(JSON.stringify(process.argv.slice(2))); process.exit(7)');
    expect(run()).toMatchObject({ status: 7, stdout: '["one","two words"]\n', stderr: '' });
  });

  it('says that it is not built', () => {
    expect(run()).toMatchObject({ status: 2, stderr: 'sluice: Sluice is not built: npm run build\n' });
  });

  it('on an old Node takes the one that npm installed beside it, and hands on its exit code', () => {
    install('console.log(process.versions.node, process.argv.slice(2).length); process.exit(9)');
    mkdirSync(join(root, 'node_modules', 'node', 'bin'), { recursive: true });
    symlinkSync(process.execPath, join(root, 'node_modules', 'node', 'bin', 'node'));
    expect(run({ nodeVersion: '18.20.0' })).toMatchObject({
      status: 9,
      stdout: `${process.versions.node} 2\n`,
      stderr: '',
    });
  });

  it('on an old Node without one says what is needed', () => {
    install('');
    const { status, stderr } = run({ nodeVersion: '18.20.0' });
    expect(status).toBe(2);
    expect(stderr).toBe('sluice: Sluice needs Node 24 or newer; this is Node 18.20.0: run npm ci, or update Node\n');
  });
});
