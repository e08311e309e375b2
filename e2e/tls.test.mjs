// A site with certificates of the user's own authority, in a browser that trusts
// it, and in one that does not.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { at, launch, open, trust } from './browser.mjs';
import { build, scratch, start } from './server.mjs';

const home = scratch();
let server;
let site;

before(async () => {
  const program = build('..', './cmd/freshet', 'freshet');
  const env = { ...process.env, HOME: home, XDG_DATA_HOME: join(home, 'data') };
  const args = ['serve', '--tls-local', '--tls-listen', '127.0.0.1:0', '--monitor', 'off', '--access-log', 'off', '../examples/site'];
  server = await start(program, args, /on https:\/\/127\.0\.0\.1:(\d+)\/[^]*freshet tls trust/, { env });
  site = (host) => `https://${host}:${server.match[1]}/`;
  trust(home, join(home, 'data', 'freshet', 'authority', 'freshet-ca.crt'));
});
after(() => server?.stop());

test('a browser that trusts the authority opens the site without a warning', async (t) => {
  const browser = await launch({ env: at(home) });
  t.after(() => browser.close());
  for (const host of ['localhost', '127.0.0.1', 'shop.localhost']) {
    const { page, answer, complaints } = await open(t, browser, site(host));
    assert.equal(answer.status(), 200, host);
    assert.equal(await page.evaluate(() => isSecureContext && location.protocol), 'https:', host);
    const { issuer, protocol } = await answer.securityDetails();
    assert.match(issuer, /^freshet local authority/, host);
    assert.equal(protocol, 'TLS 1.3', host);
    assert.deepEqual(complaints, [], host);
  }
});

test('a browser that does not trust it shows nothing of the site', async (t) => {
  const browser = await launch({ env: at(scratch()) });
  t.after(() => browser.close());
  await assert.rejects(open(t, browser, site('localhost')), /ERR_CERT_AUTHORITY_INVALID/);
});
