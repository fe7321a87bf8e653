import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The program that `source` (`.rs`: a Rust crate root whose modules are its neighbours; `.go`: one file) compiles to with nothing but its compiler and
 * standard library, kept in the temp folder until a source changes. A string says why there is none.
 */
export async function compile(source: string): Promise<{ readonly path: string } | string> {
  const rust = extname(source) === '.rs';
  const name = basename(source, extname(source));
  const folder = join(tmpdir(), `sluice-bench-build-${userInfo().username}`);
  const path = join(folder, `${name}-${fingerprint(source)}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Programs are run from there: a folder that somebody else has put in our way is not ours to trust.
  if (statSync(folder).uid !== userInfo().uid) return `${folder} belongs to somebody else`;
  if (existsSync(path)) return { path };
  const made = `${path}.${process.pid}`;
  const [command, ...flags] = rust
    ? (['rustc', '-O', '--edition', '2021', '-o', made, source] as const)
    : (['go', 'build', '-o', made, source] as const);
  try {
    await run(command, flags, { env: { ...process.env, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' }, cwd: folder });
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    return code === 'ENOENT' ? `${command} not found` : `${command} failed: ${stderr ?? String(error)}`;
  }
  renameSync(made, path);
  return { path };
}

function fingerprint(source: string): string {
  const hash = createHash('sha256').update(basename(source));
  const folder = dirname(source);
  for (const name of readdirSync(folder).sort())
    if (extname(name) === extname(source)) hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}
