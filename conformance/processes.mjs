// The processes of a run: the suite's origin, the cache, and the driver that
// plays the client. Each is ended by its id.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

// CannotRun is an error that says nothing about the cache: exit code 2.
export class CannotRun extends Error {}

const ours = name => fileURLToPath(new URL(name, import.meta.url));
const startLimit = 30_000; // milliseconds until a process must listen
const endLimit = 10_000; // until one that was asked to end is killed

const running = new Set();

// start starts a process and keeps the end of what it prints, for errors.
function start(command, options = {}) {
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  child.said = '';
  child.ended = new Promise(resolve => {
    child.once('error', err => { child.said += err.message; resolve(); });
    child.once('exit', () => resolve());
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', data => { child.said = (child.said + data).slice(-8192); });
  }
  running.add(child);
  child.ended.then(() => running.delete(child));
  return child;
}

// endAll ends what still runs and waits for it.
export async function endAll() {
  await Promise.all([...running].map(async child => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), endLimit);
    await child.ended;
    clearTimeout(late);
  }));
}

// freePort returns a port that nothing listens on now.
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function connects(port) {
  return new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}

const pause = ms => new Promise(resolve => { setTimeout(resolve, ms); });

// until waits for a process to do what it was started for.
async function until(child, what, ready) {
  for (const late = Date.now() + startLimit; !(await ready()); await pause(20)) {
    if (!running.has(child)) throw new CannotRun(`${what} ended before it listened:\n${child.said}`);
    if (Date.now() > late) throw new CannotRun(`${what} does not listen:\n${child.said}`);
  }
}

// startOrigin starts the suite's own server and returns its port, which the
// system chose and the server prints.
export async function startOrigin(suite, temporary, shown) {
  const child = start([process.execPath, '--no-warnings', ours('origin.mjs'), `${suite.tree}/${suite.engine}/server/server.mjs`], {
    cwd: temporary,
    env: { ...process.env, npm_config_protocol: 'http', npm_config_port: '0', npm_config_pidfile: `${temporary}/origin.pid` },
  });
  if (shown) child.stdout.on('data', data => process.stdout.write(data));
  let port = 0;
  await until(child, "the suite's origin", () => {
    port = Number(/Listening on http:\/\/[^ ]*:(\d+)\//.exec(child.said)?.[1] ?? 0);
    return port > 0;
  });
  return port;
}

// startCache starts the cache under test and waits until its port answers.
export async function startCache(command, port) {
  const child = start(command);
  await until(child, command.join(' '), () => connects(port));
}

// runDriver runs tests in a process of their own, for the suite's client keeps
// its results in variables of its modules and cannot run twice. It returns the
// tests that were run and their results.
export async function runDriver(options) {
  fs.rmSync(options.result, { force: true });
  const shown = options.ids.length > 0;
  const child = start([process.execPath, '--no-warnings', ours('drive.mjs'), JSON.stringify(options)],
    shown ? { stdio: ['ignore', 'inherit', 'inherit'] } : {});
  await child.ended;
  if (child.exitCode !== 0 || !fs.existsSync(options.result)) {
    throw new CannotRun(`the suite's client ended early (${child.exitCode ?? child.signalCode}):\n${child.said}`);
  }
  return JSON.parse(fs.readFileSync(options.result));
}
