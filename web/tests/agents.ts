// Real agents for a test: started from the binary under test, on loopback and free ports.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** Settings with which agents converge, and notice a death, soon; not so soon that a busy machine looks dead. */
const QUICK = ['--interval', '50ms', '--probe-interval', '500ms', '--probe-timeout', '200ms', '--suspicion-timeout', '1500ms', '--reconnect-interval', '1s', '--sync-interval', '2s'];

export interface Agent {
  name: string;
  /** For the other agents. */
  peers: string;
  /** `http://127.0.0.1:…`. */
  url: string;
  process: ChildProcess;
}

const binary = (): string => process.env.RUMORMILL_BIN ?? '../target/debug/rumormill';

/** Starts an agent, and waits until it has printed its addresses. */
export async function start(cluster: string, name: string, more: string[] = [], http = '127.0.0.1:0'): Promise<Agent> {
  const words = ['agent', '--name', name, '--cluster', cluster, '--bind', '127.0.0.1:0', '--http', http, ...QUICK, ...more];
  const child = spawn(binary(), words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (part: Buffer) => (log = (log + part).slice(-4000)));
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    let peers = '';
    child.once('exit', (code) => reject(new Error(`agent ${name} ended with ${code}: ${log}`)));
    lines.on('line', (line) => {
      const [word, value] = line.trim().split(/\s+/, 2);
      if (word === 'peers') peers = value;
      if (word === 'http') resolve({ name, peers, url: value, process: child });
    });
  });
}

/** Ends a process at once, as `kill -9` does, and waits until it is gone. */
export async function kill(agent: Agent): Promise<void> {
  const { process: child } = agent;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** Runs the command against an agent; returns what it prints. */
export async function ask(agent: Agent, ...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(binary(), ['--agent', agent.url, ...words], { timeout: 30_000 });
  return stdout;
}

/** Starts so many agents, `n1` first, each with an input, and waits until they know each other and their sum. */
export async function cluster(name: string, inputs: number[]): Promise<Agent[]> {
  const agents: Agent[] = [];
  for (const [i, input] of inputs.entries()) {
    const join = agents.length ? ['--join', agents[0].peers] : [];
    agents.push(await start(name, `n${i + 1}`, [...join, '--set', `requests=${input}`]));
  }
  const sum = inputs.reduce((all, one) => all + one, 0);
  for (const agent of agents) {
    for (;;) {
      const reading = JSON.parse(await ask(agent, 'get', 'requests', '--wait', '30s', '--json')) as { sum: { value: number }; members: number };
      if (reading.members === inputs.length && Math.abs(reading.sum.value - sum) < 1e-6) break;
    }
  }
  return agents;
}
