// dubbo2.js: clients of a Dubbo service, as the commands say.
'use strict';

const { DirectlyDubbo, java } = require('dubbo2.js');
const commands = require('./commands');

const clients = new Map();

function client(port, timeout) {
  const key = `${port} ${timeout}`;
  if (!clients.has(key)) {
    const dubbo = DirectlyDubbo.from({
      dubboAddress: `127.0.0.1:${port}`, dubboVersion: '2.0.2', dubboInvokeTimeout: Number(timeout || 3000) / 1000,
    });
    clients.set(key, dubbo.proxyService({
      dubboInterface: 'example.Example', group: 'blue', version: '1.0.0',
      methods: {
        echo: text => [ java.String(text) ],
        fail: text => [ java.String(text) ],
        add: (a, b) => [ java.int(a), java.long(b) ],
        sleep: (milliseconds, text) => [ java.int(milliseconds), java.String(text) ],
        where: () => [],
      },
    }));
  }
  return clients.get(key);
}

function values(options) {
  const { milliseconds, text, a, b } = options;
  return { sleep: [ Number(milliseconds), text ], add: [ Number(a), Number(b) ], where: [] }[options.method] || [ text ];
}

// dubbo2.js gives { res, err } and never throws.
async function call(options) {
  const { res, err } = await client(options.port, options.timeout)[options.method](...values(options));
  if (err) {
    throw err;
  }
  return res;
}

async function parallel(options) {
  const echo = text => call({ port: options.port, method: 'echo', text, timeout: 10000 });
  return commands.parallel(Number(options.threads), Number(options.calls), echo);
}

commands.serve({ call, parallel });
