import { defineConfig } from '@playwright/test';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The program under test: it serves the page that it contains. */
const binary = process.env.RUMORMILL_BIN ?? fileURLToPath(new URL('../target/debug/rumormill', import.meta.url));
if (!existsSync(binary)) throw new Error(`there is no ${binary}; build it (cargo build -p rumormill), or name it in RUMORMILL_BIN`);
process.env.RUMORMILL_BIN = binary;

const chromium = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (!chromium) throw new Error('no Chromium is installed; install the package chromium, or name one in CHROMIUM');

// Ports from a base, so that several checkouts can be tested side by side.
const base = Number(process.env.RUMORMILL_TEST_PORT ?? 4190);
const explore = `http://127.0.0.1:${base}/`;
/** A plain file host, with the page in a folder. */
const files = `http://127.0.0.1:${base + 1}/somewhere/else/`;

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: !!process.env.CI,
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 800 },
    colorScheme: 'light',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: chromium,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
    },
  },
  projects: [
    { name: 'binary', use: { baseURL: explore }, testIgnore: ['files.spec.ts', 'shots.spec.ts'] },
    { name: 'files', use: { baseURL: files }, testMatch: 'files.spec.ts' },
    // Pictures for people to look at: only when asked for by name.
    ...(process.env.SHOTS ? [{ name: 'shots', use: { baseURL: explore }, testMatch: 'shots.spec.ts' }] : []),
  ],
  webServer: [
    { command: `"${binary}" explore --no-open --bind 127.0.0.1:${base}`, url: explore, gracefulShutdown: { signal: 'SIGTERM', timeout: 5000 } },
    { command: `node tests/host.mjs ../crates/rumormill-agent/page ${base + 1} /somewhere/else/`, url: files },
  ],
});
