// Sizes of the page's bundle: `node bench/page/sizes.mjs [FOLDER]`. Fails above the limits, which are for
// what goes over a network from a host that compresses as browsers like it best.
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/** Compressed bytes of the whole bundle, and of the core. */
const LIMITS = { bundle: 1_500_000, core: 600_000 };

const folder = process.argv[2] ?? fileURLToPath(new URL('../../crates/rumormill-agent/page', import.meta.url));
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));

const kinds = { '.wasm': 'WebAssembly', '.js': 'scripts', '.css': 'styles', '.woff2': 'fonts' };
const sums = new Map();
for (const file of files) {
  const kind = kinds[extname(file)] ?? 'other';
  const bytes = readFileSync(file);
  const sum = sums.get(kind) ?? { files: 0, raw: 0, gzip: 0, brotli: 0 };
  sum.files += 1;
  sum.raw += bytes.length;
  sum.gzip += gzipSync(bytes, { level: 9 }).length;
  sum.brotli += brotliCompressSync(bytes).length;
  sums.set(kind, sum);
}
const all = { files: 0, raw: 0, gzip: 0, brotli: 0 };
for (const sum of sums.values()) for (const key of Object.keys(all)) all[key] += sum[key];

const line = (name, { files, raw, gzip, brotli }) =>
  console.log(`${name.padEnd(12)}${[files, raw, gzip, brotli].map((n) => n.toLocaleString('en-US').padStart(12)).join('')}`);
console.log(`${''.padEnd(12)}${['files', 'bytes', 'gzip', 'brotli'].map((head) => head.padStart(12)).join('')}`);
for (const [kind, sum] of [...sums].sort(([, a], [, b]) => b.raw - a.raw)) line(kind, sum);
line('all', all);

const core = sums.get('WebAssembly')?.brotli ?? 0;
const over = [
  all.brotli > LIMITS.bundle && `the bundle has ${all.brotli} bytes compressed, more than ${LIMITS.bundle}`,
  core > LIMITS.core && `the core has ${core} bytes compressed, more than ${LIMITS.core}`,
].filter(Boolean);
for (const problem of over) console.error(`sizes: ${problem}`);
process.exitCode = over.length ? 1 : 0;
