// Milliseconds of the core's answers, module beside module: `node bench/page/ask.mjs A.wasm B.wasm …`.
// The modules take turns, so that a machine's moods meet all of them; the medians are printed.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const questions = {
  '64 nodes × 10,000 runs': { verb: 'simulate_spread', spread: { nodes: 64 }, runs: 10_000, seed: 1 },
  'exact law, n = 64': { verb: 'predict_spread', spread: { nodes: 64 } },
  'exact law, n = 10⁶': { verb: 'predict_spread', spread: { nodes: 1e6 } },
  'exact law, n = 10¹²': { verb: 'predict_spread', spread: { nodes: 1e12 } },
};
const TURNS = 15;

async function load(path) {
  const { instance } = await WebAssembly.instantiate(readFileSync(path));
  const { memory, reserve, ask, length } = instance.exports;
  return (question) => {
    const bytes = new TextEncoder().encode(JSON.stringify(question));
    const at = reserve(bytes.length); // The memory may move.
    new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
    const answer = ask();
    return JSON.parse(new TextDecoder().decode(new Uint8Array(memory.buffer, answer, length())));
  };
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

const committed = fileURLToPath(new URL('../../crates/rumormill-agent/page/engine.wasm', import.meta.url));
const paths = process.argv.length > 2 ? process.argv.slice(2) : [committed];
const modules = await Promise.all(paths.map(load));
for (const [name, question] of Object.entries(questions)) {
  const times = modules.map(() => []);
  for (let turn = 0; turn < TURNS; turn += 1) {
    modules.forEach((ask, i) => {
      const begun = performance.now();
      const reply = ask(question);
      times[i].push(performance.now() - begun);
      if (reply.error) throw new Error(`${name}: ${reply.error}`);
    });
  }
  console.log(`${name.padEnd(24)}${times.map((all) => `${median(all).toFixed(1)} ms`.padStart(12)).join('')}`);
}
