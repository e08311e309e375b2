// A server with a queue of jobs, and what tests ask of it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, scratch, start } from './server.mjs';

const run = promisify(execFile);

/**
 * jobServer is a server of a folder with a queue, once start has been called with
 * more arguments, and what it says when it is ready. Both folders are readable for
 * whom programs run as.
 */
export function jobServer() {
  const data = scratch();
  const folder = scratch();
  for (const dir of [data, folder]) chmodSync(dir, 0o755);
  const s = {
    data,
    folder,
    base: '', // the address of the monitor

    async start(ready, ...more) {
      s.program = build('..', './cmd/freshet', 'freshet');
      const args = ['serve', folder, '--listen', '127.0.0.1:0', '--monitor', '127.0.0.1:0', '--data', data, '--access-log', 'off', ...more];
      s.server = await start(s.program, args, ready, { env: { ...process.env, HOME: scratch() } });
      [, s.base] = s.server.match;
    },
    stop: () => s.server?.stop(),

    /** freshet runs a command, of two words and more, against the server, and returns what it prints. */
    freshet: async (group, word, ...args) => (await run(s.program, [group, word, '--data', data, ...args])).stdout.trim(),

    /** submit submits a job, and returns its ID. The command is behind --. */
    submit: (...args) => s.freshet('job', 'submit', ...args),

    /** table gets a table of the monitor as programs do. */
    async table(path) {
      const answer = await fetch(s.base + path);
      assert.equal(answer.status, 200, path);
      return (await answer.json()).rows;
    },

    /** token is what somebody needs to change something. */
    token() {
      const secret = readdirSync(data).find((name) => name.endsWith('.token'));
      return readFileSync(join(data, secret), 'utf8').trim();
    },
  };
  return s;
}
