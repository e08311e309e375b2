// Programs that the tests start, and stop when they end.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

// Each program and each folder is one that looks whether the process ends.
process.setMaxListeners(100);

const here = fileURLToPath(new URL('.', import.meta.url));

/** scratch makes a folder that goes away when the process ends. */
export function scratch() {
  const dir = mkdtempSync(join(tmpdir(), 'freshet-e2e-'));
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** build builds a Go program, unless scripts/e2e has done so for all; from is a folder beside this file. */
export function build(from, target, name) {
  if (process.env.PROGRAMS) return join(process.env.PROGRAMS, name);
  const program = join(scratch(), name);
  execFileSync('go', ['build', '-o', program, target], { cwd: join(here, from), stdio: ['ignore', 'inherit', 'inherit'] });
  return program;
}

/**
 * start starts a program and waits for a line that matches ready, on its
 * standard output or error. The result has that match, all that it said so
 * far, and stop; kill ends it at once, by its number.
 */
export function start(program, args, ready, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const server = {
    said: '',
    async stop() {
      process.off('exit', kill);
      child.kill('SIGTERM');
      await ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${program} is not ready:\n${server.said}`)), 120_000);
    const hear = (text) => {
      server.said += text;
      server.match = server.said.match(ready);
      if (server.match) {
        clearTimeout(timer);
        resolve(server);
      }
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
    child.on('error', reject);
    ended.then((code) => reject(new Error(`${program} ended with ${code}:\n${server.said}`)));
  });
}

/** until asks again and again, for two minutes at most, until the answer is the one wanted. */
export async function until(ask, want) {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const got = await ask();
    if (isDeepStrictEqual(got, want)) return;
    if (Date.now() > deadline) assert.deepEqual(got, want);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
