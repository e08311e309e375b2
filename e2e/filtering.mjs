// What tests of the forward proxy need: the program, an internet, two
// authorities, and browsers that trust both.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { at, launch, trust } from './browser.mjs';
import { hosts, internet } from './internet.mjs';
import { build, scratch, start } from './server.mjs';

const rules = `! Title: What the test cuts
||ads.example^
||tracker.example^$script
||scam.example^$document
##.ad-slot
news.example###promo
$removeparam=utm_source
##div:has-text(nonsense)
`;

/**
 * filtering returns begin and end, for before and after the tests of a file; then
 * net, the internet; list, the path of a list; filter, behind and through.
 */
export function filtering() {
  const place = scratch();
  const list = join(place, 'list.txt');
  writeFileSync(list, rules);
  let program;
  const f = { list };

  f.begin = async () => {
    program = build('..', './cmd/freshet', 'freshet');
    for (const [dir, name] of [['world', 'The world'], ['local', 'Local']]) execFileSync(program, ['tls', 'ca', '--dir', join(place, dir), '--name', name]);
    const certificate = { cert: join(place, 'site.pem'), key: join(place, 'site.key') };
    execFileSync(program, ['tls', 'cert', '--dir', join(place, 'world'), '--out', certificate.cert, '--key', certificate.key, ...hosts]);
    f.net = await internet(certificate);
    // Chromium trusts both: that of the sites, and that of the proxy.
    trust(join(place, 'home'), join(place, 'world', 'freshet-ca.crt'), join(place, 'local', 'freshet-ca.crt'));
  };
  f.end = () => f.net?.stop();

  /** filter starts a forward proxy before the internet, or before parent. */
  f.filter = async (flags = [], parent = f.net.address) => {
    const args = ['filter', '--listen', '127.0.0.1:0', '--monitor', '127.0.0.1:0', '--access-log', 'off', '--parent', parent, '--authority', join(place, 'local'), ...flags];
    const env = { ...process.env, SSL_CERT_FILE: join(place, 'world', 'freshet-ca.crt') };
    const server = await start(program, args, /on http:\/\/127\.0\.0\.1:(\d+)\/[^]*monitor on (\S+)\//, { env });
    return { address: `http://127.0.0.1:${server.match[1]}`, monitor: server.match[2], stop: server.stop };
  };

  /** behind starts a browser that uses a proxy, for all but addresses that except names. */
  f.behind = (proxy, except = '<-loopback>') =>
    launch({ proxy: { server: proxy.address, bypass: except }, env: at(join(place, 'home')) });

  /** through starts a browser that uses the first of the proxies; they all end with the test. */
  f.through = async (t, ...proxies) => {
    const browser = await f.behind(proxies[0]);
    t.after(async () => {
      await browser.close(); // first, for its idle connections are waited for
      for (const proxy of proxies) await proxy.stop();
    });
    f.net.forget();
    return browser;
  };
  return f;
}
