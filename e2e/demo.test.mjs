// The parts that pages are made of, on pages that show them all.
import { demo } from './demo.mjs';
import { everyPage } from './pages.mjs';

const d = demo();

everyPage(
  [
    {
      path: '/', title: 'Overview', live: true, texts: ['Half of its answers', '87.2', 'Bytes sent'],
      tables: { 'Slowest paths': ['Path', 'p99 ms'], Refused: ['Rule', 'Requests'] },
    },
    {
      path: '/requests?status=2xx', title: 'Requests', live: true, texts: ['1–', 'of 12,345', 'Next →', 'stale-while-revalidate'],
      tables: { 'Latest requests': ['Time', 'Method', 'Host', 'Path', 'Status', 'Verdict', 'Rule', 'Body bytes', 'Took ms', 'Client'] },
    },
    { path: '/requests/r17', title: 'GET /news/2030/05/01/', texts: ['lifetime-over', 'RFC 9111 §4.2', 'HTTP/1.1 200 OK'], tables: { 'Other requests for it': ['Time', 'Took'] } },
    { path: '/cache', title: 'Cache', live: true, texts: ['81,204', 'of 256 MB', 'Purge'] },
    { path: '/cache/purge?url=http://a.example/', title: 'Purge one address?', texts: ['http://a.example/', 'Leave it', 'The next request for it asks the origin.'] },
    { path: '/origins', title: 'Origins & sites', tables: { Origins: ['Origin', 'State', 'In flight', 'Answers /s', 'Last fault'] }, texts: ['connection_refused'] },
    { path: '/config', title: 'Configuration', texts: ['[[site.route]]', 'Read from freshet.toml'] },
    { path: '/check', title: 'Check', texts: ['no such scheme'] },
    { path: '/jobs', title: 'Jobs', tables: { Jobs: ['Job', 'State', 'Progress', 'Message', 'Actions'] }, texts: ['4711', 'retry'] },
    { path: '/empty', title: 'Nothing yet', live: true, tables: { Requests: ['Time', 'Path'] }, texts: ['No request came yet.'] },
    { path: '/none', title: 'Not found', status: 404, texts: ['There is no page at this address.'] },
  ],
  () => d.browser,
  () => d.base,
);
