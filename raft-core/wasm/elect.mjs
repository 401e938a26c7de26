// Three nodes in WebAssembly, each a thread of this process. Twice the leader is killed, and who was killed before comes back
// from its state file, without which the third election has no majority.
//
//   raft-core/wasm/run.sh

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

const VOTERS = [1, 2, 3];
const PATIENCE = 60_000;

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const directory = mkdtempSync(join(tmpdir(), 'raft-wasm-'));
process.on('exit', () => rmSync(directory, { recursive: true }));

const nodes = new Map();
const ports = new Map();
let elected = () => {};

function start(id) {
  const stateFile = join(directory, `node-${id}.json`);
  const worker = new Worker(new URL('node.mjs', import.meta.url), {
    workerData: { id, voters: VOTERS.length, module, stateFile },
  });
  nodes.set(id, worker);
  worker.on('message', ({ port, leads }) => {
    if (leads) elected(id, leads);
    if (!port) return;
    ports.set(id, port);
    for (const other of nodes.values()) other.postMessage(ports);
  });
}

function nextLeader(after) {
  return new Promise((resolve, reject) => {
    const none = setTimeout(() => reject(new Error('no leader was elected')), PATIENCE);
    elected = (leader, term) => {
      if (term <= after || !nodes.has(leader)) return;
      clearTimeout(none);
      console.log(`node ${leader} leads in term ${term}`);
      resolve([leader, term]);
    };
  });
}

VOTERS.forEach(start);
let killed;
let latest = 0;
for (let election = 0; election < 3; election += 1) {
  const [leader, term] = await nextLeader(latest);
  latest = term;
  if (killed) {
    console.log(`node ${killed} comes back`);
    start(killed);
  }
  await nodes.get(leader).terminate();
  nodes.delete(leader);
  console.log(`node ${leader} is killed`);
  killed = leader;
}
process.exit();
