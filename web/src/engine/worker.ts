/// <reference lib="webworker" />
// Computes in a thread of its own, so that the page never freezes: questions in, answers out.

interface Exports {
  memory: WebAssembly.Memory;
  reserve(length: number): number;
  ask(): number;
  length(): number;
  /** Bytes that go with a question, and with an answer. */
  attach(length: number): number;
  bytes(): number;
  bytes_length(): number;
}

const url = new URL(/* @vite-ignore */ '../engine.wasm', self.location.href);
const core: Promise<Exports> = load();

async function load(): Promise<Exports> {
  const bytes = fetch(import.meta.env.DEV ? '/engine.wasm' : url);
  try {
    return (await WebAssembly.instantiateStreaming(bytes)).instance.exports as unknown as Exports;
  } catch {
    // A host that serves the module under another media type.
    const response = await fetch(import.meta.env.DEV ? '/engine.wasm' : url);
    if (!response.ok) throw new Error(`engine.wasm: the host answered ${response.status}`);
    return (await WebAssembly.instantiate(await response.arrayBuffer())).instance.exports as unknown as Exports;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

self.onmessage = async ({ data }: MessageEvent<{ id: number; question: unknown; attached?: ArrayBuffer }>) => {
  const { id, question, attached } = data;
  try {
    const engine = await core;
    if (attached) {
      const at = engine.attach(attached.byteLength);
      new Uint8Array(engine.memory.buffer, at, attached.byteLength).set(new Uint8Array(attached));
    }
    const bytes = encoder.encode(JSON.stringify(question));
    const at = engine.reserve(bytes.length);
    new Uint8Array(engine.memory.buffer, at, bytes.length).set(bytes);
    const answer = engine.ask();
    const text = decoder.decode(new Uint8Array(engine.memory.buffer, answer, engine.length()));
    const reply = JSON.parse(text);
    const length = engine.bytes_length();
    if (!length) return self.postMessage({ id, reply });
    const from = engine.bytes();
    reply.bytes = engine.memory.buffer.slice(from, from + length);
    self.postMessage({ id, reply }, [reply.bytes]);
  } catch (error) {
    self.postMessage({ id, reply: { error: error instanceof Error ? error.message : String(error) } });
  }
};
