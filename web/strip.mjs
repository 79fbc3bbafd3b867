// Leaves out of a WebAssembly module what no browser needs, above all the names of its functions:
// `node web/strip.mjs FROM TO`. Cargo's `strip` does not reach them in a profile that has overrides for
// packages.
import { readFileSync, writeFileSync } from 'node:fs';

const [from, to] = process.argv.slice(2);
const bytes = readFileSync(from);
const HEAD = 8;
const CUSTOM = 0;

let at = HEAD;

/** Reads a number in LEB128. */
function number() {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
}

const kept = [bytes.subarray(0, HEAD)];
while (at < bytes.length) {
  const begin = at;
  const kind = bytes[at++];
  const length = number();
  at += length;
  if (kind !== CUSTOM) kept.push(bytes.subarray(begin, at));
}
writeFileSync(to, Buffer.concat(kept));
