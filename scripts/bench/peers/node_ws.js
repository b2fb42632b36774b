// Node.js: `ws` and `ioredis`, found through NODE_PATH.
//   node node_ws.js PORT REDIS_PORT
'use strict';

const { Redis } = require('ioredis');
const { WebSocketServer } = require('ws');

const STREAM = 'stream:bench';
const UNSENT = 256 * 1024;
const [port, redisPort] = process.argv.slice(2, 4).map(Number);
const groups = new Map();

function groupOf(session) {
  let group = groups.get(session);
  if (!group) groups.set(session, group = new Set());
  return group;
}

function serve() {
  const server = new WebSocketServer({ host: '127.0.0.1', port, backlog: 1024, perMessageDeflate: false });
  server.on('connection', (client, request) => {
    const group = groupOf(request.url.split('/')[4].split('-').pop());
    client.on('message', () => group.add(client)); // what it subscribes
    client.on('close', () => group.delete(client));
    client.on('error', () => group.delete(client));
  });
  server.on('listening', () => { console.log('READY'); read(); });
}

async function until(done) {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function read() {
  const redis = new Redis(redisPort, '127.0.0.1');
  let last = '0-0';
  let since = 0;
  for (;;) {
    const reply = await redis.xreadBuffer('COUNT', 100, 'BLOCK', 1000, 'STREAMS', STREAM, last);
    if (reply === null) continue;
    for (const [position, [, session, , data]] of reply[0][1]) {
      last = position.toString();
      const group = groupOf(session.toString());
      for (const client of group) client.send(data, { binary: true });
      since += data.length;
      if (since > UNSENT) {
        since = 0;
        await until(() => [...group].every((client) => client.bufferedAmount <= UNSENT));
      }
    }
  }
}

serve();
