import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
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
function run(options: { readonly nodeVersion?: string; readonly env?: NodeJS.ProcessEnv } = {}) {
  const pretend = join(root, 'pretend.cjs');
  writeFileSync(
    pretend,
    `if (!process.env.SLUICE_RELAUNCHED && ${JSON.stringify(options.nodeVersion ?? '')})
       Object.defineProperty(process, 'versions', { value: { ...process.versions, node: ${JSON.stringify(options.nodeVersion ?? '')} } });`,
  );
  return spawnSync(process.execPath, ['--require', pretend, join(root, 'bin', 'sluice.js'), 'one', 'two words'], {
    encoding: 'utf8',
    env: { ...process.env, ...options.env },
  });
}

describe('bin/sluice.js', () => {
  it('starts the built program with its arguments', () => {
    install('console.log(JSON.stringify(process.argv.slice(2))); process.exit(7)');
    expect(run()).toMatchObject({ status: 7, stdout: '["one","two words"]\n', stderr: '' });
  });

  it('keeps compiled code in a folder that only its user can write, for the threads of the program too', () => {
    const cache = join(root, 'cache');
    install('console.log(process.env.NODE_COMPILE_CACHE); process.exit(0)');
    const env = { XDG_CACHE_HOME: cache, LOCALAPPDATA: cache, HOME: root, NODE_COMPILE_CACHE: '' };
    const compiled = run({ env }).stdout.trim();
    expect(compiled.startsWith(root)).toBe(true);
    expect(readdirSync(compiled)).toHaveLength(1);
    if (process.platform !== 'win32') expect(statSync(compiled).mode & 0o777).toBe(0o700);
  });

  it('starts where no compiled code can be kept, and where none is wanted', () => {
    install('console.log(process.env.NODE_COMPILE_CACHE ?? "none"); process.exit(0)');
    writeFileSync(join(root, 'a-file'), '');
    const nowhere = join(root, 'a-file');
    const env = { XDG_CACHE_HOME: nowhere, LOCALAPPDATA: nowhere, HOME: nowhere, NODE_COMPILE_CACHE: undefined };
    expect(run({ env })).toMatchObject({ status: 0, stdout: 'none\n', stderr: '' });
    const off = { XDG_CACHE_HOME: join(root, 'cache'), NODE_COMPILE_CACHE: undefined, NODE_DISABLE_COMPILE_CACHE: '1' };
    expect(run({ env: off })).toMatchObject({ status: 0, stdout: 'none\n', stderr: '' });
    expect(existsSync(join(root, 'cache'))).toBe(false);
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
