// Alerts and certificates of a server: a certificate that ends soon, an alert
// that is reminded of, and one that is over.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, open, windows } from './browser.mjs';
import { everyPage } from './pages.mjs';
import { build, scratch, start, until } from './server.mjs';

const data = scratch();
const certificate = join(data, 'www.pem');
const took = []; // what the webhook got
let hook;
let server;
let browser;
let base; // of the monitor

/** serve starts the server; rules are those of its own. */
async function serve(program, ...rules) {
  const to = `http://127.0.0.1:${hook.address().port}`;
  server = await start(program, ['serve', '--tls-listen', '127.0.0.1:0', '--tls-cert', certificate, '--tls-key', join(data, 'www.key'), '--monitor', '127.0.0.1:0', '--data', join(data, 'kept'),
    '--access-log', 'off', '--alert-webhook', `${to}/secret`, '--alert-webhook', 'http://127.0.0.1:1/', '--alert-remind', '1m', ...rules.flatMap((rule) => ['--alert-rule', rule]), '../examples/site'],
  /monitor on (\S+)\//, { env: { ...process.env, HOME: data } });
  base = server.match[1];
}

/** rows gets a table of the monitor as programs do. */
async function rows(path) {
  const answer = await fetch(base + path);
  assert.equal(answer.status, 200, path);
  return (await answer.json()).rows;
}

const kinds = async (rule) => [...new Set((await rows('/alerts/notices.json')).filter((r) => r.rule === rule).map((r) => r.notice ?? r.kind))].sort();

/** endsSoon makes a certificate for three months that has two days left. */
function endsSoon() {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: data, stdio: 'ignore' });
  const day = (n) => new Date(Date.now() + n * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, '');
  writeFileSync(join(data, 'ca.cnf'), `[ca]
default_ca = one
[one]
new_certs_dir = .
database = index.txt
serial = serial
default_md = sha256
policy = names
x509_extensions = site
[names]
commonName = supplied
[site]
subjectAltName = DNS:www.example.test
`);
  writeFileSync(join(data, 'index.txt'), '');
  openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=www.example.test', '-keyout', 'www.key', '-out', 'www.csr');
  openssl('ca', '-batch', '-config', 'ca.cnf', '-selfsign', '-keyfile', 'www.key', '-in', 'www.csr', '-out', 'www.pem', '-notext', '-rand_serial', '-startdate', day(-88), '-enddate', day(2));
}

before(async () => {
  endsSoon();
  hook = http.createServer((request, response) => {
    let text = '';
    request.on('data', (part) => (text += part)).on('end', () => {
      took.push(JSON.parse(text));
      response.end();
    });
  });
  await new Promise((resolve) => hook.listen(0, '127.0.0.1', resolve));
  const program = build('..', './cmd/freshet', 'freshet');
  await serve(program, 'busy: goroutines > 1');
  await until(() => kinds('busy'), ['raised', 'reminder']);
  await server.stop();
  await serve(program); // without the rule, whose alert is over
  await until(() => kinds('busy'), ['over', 'raised', 'reminder']);
  await until(async () => (await rows('/alerts.json')).find((r) => r.rule === 'memory').state, 'ok');
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
  hook?.close();
});

everyPage(
  [
    {
      path: '/alerts', title: 'Alerts', texts: ['raised', 'unknown', 'certificate-expiry', 'www.pem', 'reminder', 'over', 'Its rule holds no more.', 'webhook at http://127.0.0.1:'],
      tables: {
        Rules: ['State', 'Rule', 'About', 'Value', 'Raised when', 'Severity', 'Since', 'Told', 'Fault'],
        'Latest notices': ['Time', 'Notice', 'Rule', 'About', 'Value', 'Raised when', 'Fault', 'Id'],
        'Who is told': ['Way', 'Sent', 'Waiting', 'Dropped', 'Failed tries', 'Next try', 'Last fault'],
      },
    },
    { path: '/certificates', title: 'Certificates', texts: ['www.example.test', 'ends soon', 'www.pem'], tables: { Certificates: ['Names', 'State', 'From', 'Issuer', 'Valid until', 'Left'] } },
  ],
  () => browser,
  () => base,
);

const looks = { ...windows, narrow: { viewport: { width: 375, height: 812 }, hasTouch: true, colorScheme: 'dark' } };

test('an alert is raised, reminded of and over, for people and for programs', async (t) => {
  assert.deepEqual(took.filter((n) => n.rule === 'busy').map((n) => n.kind).filter((kind, i, all) => kind !== all[i - 1]), ['raised', 'reminder', 'over']);
  for (const [name, options] of Object.entries(looks)) {
    const { page, complaints } = await open(t, browser, `${base}/alerts`, options);
    const rules = page.getByRole('region', { name: 'Rules', exact: true });
    const first = rules.getByRole('row').nth(1);
    assert.match(await first.innerText(), /raised\s+certificate-expiry\s+\S*www\.pem/, name);
    assert.match(await rules.getByRole('row').filter({ hasText: 'latency' }).innerText(), /^unknown/, name);
    const notices = page.getByRole('region', { name: 'Latest notices', exact: true });
    assert.equal(await notices.getByRole('row').filter({ hasText: 'busy' }).filter({ hasText: 'over' }).count(), 1, name);
    assert.equal((await page.content()).includes('secret'), false, name);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `alerts-${name}.png`), fullPage: true });
    await page.goto(`${base}/certificates`);
    await page.getByText('ends soon').waitFor();
    if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `certificates-${name}.png`), fullPage: true });
    assert.deepEqual(complaints, [], name);
  }
  assert.equal((await rows('/alerts.json')).find((r) => r.rule === 'latency').state, 'unknown');
});
