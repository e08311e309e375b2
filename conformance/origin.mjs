// Starts the suite's server, whose module is the first argument, and keeps it
// on the loopback interface: it asks for a port on every address.
import net from 'node:net';
import { pathToFileURL } from 'node:url';

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function loopback(port) {
  return listen.call(this, { port: Number(port), host: '127.0.0.1' });
};
await import(pathToFileURL(process.argv[2]));
