#!/usr/bin/env node
// The other engine: installs it and the lists, or says what it makes of requests.
//
//   peer.mjs install DIR      installs what is pinned below DIR; prints where the lists are
//   peer.mjs match DIR FILE…  reads requests (URL, type, page; a tab between them) and prints a
//                             verdict for each: action, rule, exception
//
// Versions are pinned by hash: package-lock.json for the engine, data.json for
// the package that has the lists. Scripts of packages are not run.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';
import { installed } from '../../../conformance/suite.mjs';

const here = path.dirname(new URL(import.meta.url).pathname);

// engineIn returns the folder that the engine is installed in.
function engineIn(work) {
  const { version } = JSON.parse(fs.readFileSync(path.join(here, 'package-lock.json'))).packages['node_modules/@ghostery/adblocker'];
  return path.join(work, `ghostery-adblocker-${version}`);
}

function install(work) {
  const folder = engineIn(work);
  if (!fs.existsSync(path.join(folder, 'installed'))) {
    fs.mkdirSync(folder, { recursive: true });
    for (const name of ['package.json', 'package-lock.json']) fs.copyFileSync(path.join(here, name), path.join(folder, name));
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
    fs.writeFileSync(path.join(folder, 'installed'), '');
  }
  const pins = JSON.parse(fs.readFileSync(path.join(here, 'data.json')));
  console.log(path.join(installed('ad-block', work, pins), 'test', 'data'));
}

async function match(work, files) {
  const entry = path.join(engineIn(work), 'node_modules/@ghostery/adblocker/dist/esm/index.js');
  const { FiltersEngine, Request } = await import(pathToFileURL(entry));
  const engine = FiltersEngine.parse(files.map(file => fs.readFileSync(file, 'utf8')).join('\n'), {
    debug: true, enableOptimizations: false, loadCosmeticFilters: false,
  });
  const types = { document: 'main_frame', subdocument: 'sub_frame' };
  const out = [];
  let last = 0;
  for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const [url, type, sourceUrl] = line.split('\t');
    const { match, redirect, filter, exception } = engine.match(Request.fromRawDetails({ url, type: types[type] ?? type, sourceUrl }));
    const action = match ? (redirect ? 'redirect' : 'block') : exception && filter ? 'allow' : 'pass';
    out.push(`${action}\t${filter?.rawLine ?? ''}\t${exception?.rawLine ?? ''}\n`);
    if (out.length - last > 10000) {
      process.stdout.write(out.slice(last).join(''));
      last = out.length;
    }
  }
  process.stdout.write(out.slice(last).join(''));
}

const [command, work, ...files] = process.argv.slice(2);
if (command === 'install' && work) install(work);
else if (command === 'match' && files.length > 0) await match(work, files);
else {
  console.error('usage: peer.mjs install DIR | match DIR FILE...');
  process.exit(2);
}
