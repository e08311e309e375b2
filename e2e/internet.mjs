// An internet for a forward proxy: a few sites behind one HTTP proxy, which is
// the parent of the one under test. So names need no DNS, and each site has one.
import http from 'node:http';
import https from 'node:https';
import { readFileSync } from 'node:fs';

// A picture of 8 by 8 red pixels: what it is cannot be mistaken for a stand-in.
const red = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC', 'base64');

const page = (title, head, body) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>${head}
<style>body { font: 16px/1.5 sans-serif; margin: 20px } img { display: block } .ad-slot, #promo { height: 250px; background: #fcc }</style></head>
<body>${body}</body></html>`;

/** news is a page with all that a list cuts, and with what it must not touch; others are at the same scheme. */
const news = (scheme) => page('News', `<script src="${scheme}://tracker.example/t.js"></script><link rel="icon" href="data:,">`, `
<h1>The article</h1>
<img id="logo" src="/logo.png" width="80" height="80" alt="logo">
<div class="ad-slot">An advertisement in the page</div>
<img id="banner" src="${scheme}://ads.example/banner-468x60.png" alt="">
<iframe id="frame" src="${scheme}://ads.example/frame.html" title="ads" width="300" height="100"></iframe>
<p id="text">What people came to read.</p>
<div id="promo">A promotion</div>
<img id="pixel" src="${scheme}://pixel.example/p.png" alt="" width="8" height="8">
<p id="end">The end.</p>
<script>fetch('/data.json').then((a) => a.json()).then((d) => { document.body.dataset.fetched = d.words; });</script>`);

const stored = { 'Cache-Control': 'max-age=600' };

/** sites answer by host and path: fields and a body. */
const sites = {
  'news.example': {
    '/': (scheme) => [{ ...stored, 'Content-Type': 'text/html' }, news(scheme)],
    '/strict': () => [
      { ...stored, 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': "default-src 'none'; style-src 'none'" },
      page('Strict', '', `<h1>Strict</h1><div class="ad-slot">An advertisement</div><p id="text">What people came to read.</p>`),
    ],
    '/link': () => [{ 'Cache-Control': 'no-store', 'Content-Type': 'text/html' }, page('Link', '', '<a href="/?utm_source=link&a=1">on</a>')],
    '/logo.png': () => [{ ...stored, 'Content-Type': 'image/png' }, red],
    '/data.json': () => [{ 'Cache-Control': 'no-store', 'Content-Type': 'application/json', 'Set-Cookie': 'own=1; Path=/; Max-Age=600' }, '{"words": "some"}'],
  },
  'ads.example': {
    '/': () => [{ ...stored, 'Content-Type': 'text/html' }, page('Ads', '', '<h1>Ads</h1>')],
    '/banner-468x60.png': () => [{ ...stored, 'Content-Type': 'image/png' }, red],
    '/frame.html': () => [{ ...stored, 'Content-Type': 'text/html' }, page('Ad', '', '<h1>Buy!</h1>')],
  },
  'tracker.example': {
    '/t.js': () => [{ ...stored, 'Content-Type': 'text/javascript' }, 'document.documentElement.dataset.tracked = "yes";'],
  },
  'scam.example': { '/': () => [{ 'Content-Type': 'text/html' }, page('Scam', '', '<h1>Send money</h1>')] },
  'pixel.example': {
    '/p.png': (scheme) => [
      { 'Cache-Control': 'no-store', 'Content-Type': 'image/png', 'Set-Cookie': scheme === 'https' ? 'them=1; SameSite=None; Secure; Max-Age=600' : 'them=1; Max-Age=600' },
      red,
    ],
  },
};

/** The hosts of all sites. */
export const hosts = Object.keys(sites);

/**
 * internet starts it. The result has the parent's address, what was asked for
 * (each "http news.example /path", with the Cookie field in brackets), with
 * which queries, by which tunnels, forget that, and stop.
 * With a certificate, which is for all hosts, sites speak https, too.
 */
export async function internet(certificate) {
  const net = { asked: [], tunnels: [], searches: [] };
  const answer = (scheme) => (request, response) => {
    const { host, pathname, search } = new URL(request.url, `${scheme}://${request.headers.host}`);
    net.asked.push(`${scheme} ${host} ${pathname}${request.headers.cookie ? ` [${request.headers.cookie}]` : ''}`);
    if (search) net.searches.push(search);
    const make = sites[host]?.[pathname];
    if (!make) return response.writeHead(404, { 'Content-Type': 'text/plain' }).end('no such page');
    const [fields, body] = make(scheme);
    response.writeHead(200, { ...fields, 'Content-Length': Buffer.byteLength(body) }).end(body);
  };
  const secure = certificate && https.createServer({ key: readFileSync(certificate.key), cert: readFileSync(certificate.cert) }, answer('https'));
  const parent = http.createServer(answer('http'));
  const open = new Set();
  parent.on('connect', (request, socket, head) => {
    net.tunnels.push(request.url);
    if (!secure || !request.url.endsWith(':443')) return socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    socket.on('error', () => {});
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    if (head.length) socket.unshift(head);
    secure.emit('connection', socket);
  });
  parent.on('connection', (socket) => open.add(socket.on('close', () => open.delete(socket))));
  await new Promise((resolve) => parent.listen(0, '127.0.0.1', resolve));
  net.address = `http://127.0.0.1:${parent.address().port}`;
  net.forget = () => {
    net.asked.length = net.tunnels.length = net.searches.length = 0;
  };
  net.stop = () => {
    for (const socket of open) socket.destroy();
    parent.close();
  };
  return net;
}
