// Commands from standard input, one line each ("do=call&text=hello", percent-encoded), and one line of JSON for each.
'use strict';

const readline = require('readline');

async function answer(commands, options) {
  const begun = Date.now();
  try {
    const value = await commands[options.do](options);
    return { value: value === undefined ? null : value, ms: Date.now() - begun };
  } catch (thrown) {
    console.error(thrown);
    return { error: thrown.name || String(thrown), text: thrown.message || '', ms: Date.now() - begun };
  }
}

exports.serve = async function(commands) {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr); // frameworks talk
  process.on('uncaughtException', console.error);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    write(JSON.stringify(await answer(commands, Object.fromEntries(new URLSearchParams(line)))) + '\n');
  }
  process.exit(0);
};

// `calls` calls by each of `callers` that run side by side; every answer has to be what its own caller asked for.
exports.parallel = async function(callers, calls, echo) {
  const counts = { right: 0, wrong: 0, failed: 0 };
  const one = async number => {
    for (let i = 0; i < calls; i++) {
      const text = `${number} asks ${i}`;
      try {
        counts[await echo(text) === text ? 'right' : 'wrong']++;
      } catch (thrown) {
        console.error(thrown);
        counts.failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, number) => one(number)));
  return counts;
};
