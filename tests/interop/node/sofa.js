// SOFARPC for Node: a server and clients, as the commands say.
'use strict';

const { RpcClient } = require('sofa-rpc-node').client;
const { RpcServer } = require('sofa-rpc-node').server;
const DynamicConfig = require('sofa-rpc-node/lib/client/dynamic_config');
const commands = require('./commands');

// A client looks once in each bucket of its statistics whether a connection needs a heartbeat.
DynamicConfig.instance.metric.bucketSizeInMs = 300;

const logger = { info() {}, debug() {}, warn: console.error, error: console.error };
const SERVICE = { interfaceName: 'example.Example' };
const ARGUMENTS = { echo: [ 'java.lang.String' ], fail: [ 'java.lang.String' ], sleep: [ 'int', 'java.lang.String' ] };
const servers = new Map();
const consumers = new Map();

function sleep(milliseconds) {
  return new Promise(resolve => setTimeout(resolve, milliseconds));
}

async function serve({ port, name }) {
  const server = new RpcServer({ logger, port: Number(port), publishAddress: '127.0.0.1' });
  server.addService(SERVICE, {
    async echo(text) { return text; },
    async where() { return name; },
    async fail(text) { throw new Error(text); },
    async sleep(milliseconds, text) { await sleep(milliseconds); return text; },
  });
  await server.start();
  servers.set(port, server);
  return port;
}

async function stop({ port }) {
  await servers.get(port).close();
}

async function consumer(port) {
  if (!consumers.has(port)) {
    const connectionOpts = { maxIdleTime: 300 };
    const client = new RpcClient({ logger, connectionOpts });
    consumers.set(port, client.createConsumer({ ...SERVICE, serverHost: `bolt://127.0.0.1:${port}`, connectionOpts }));
  }
  await consumers.get(port).ready();
  return consumers.get(port);
}

function values(options) {
  return { sleep: [ Number(options.milliseconds), options.text ], where: [] }[options.method] || [ options.text ];
}

async function call(options) {
  const to = await consumer(options.port);
  const types = ARGUMENTS[options.method] || [];
  const args = values(options).map(($, i) => ({ $class: types[i], $ }));
  return to.invoke(options.method, args, { responseTimeout: Number(options.timeout || 3000) });
}

async function parallel(options) {
  const to = await consumer(options.port);
  return commands.parallel(Number(options.threads), Number(options.calls), text =>
    to.invoke('echo', [{ $class: 'java.lang.String', $: text }], { responseTimeout: 10000 }));
}

commands.serve({ serve, stop, call, parallel });
