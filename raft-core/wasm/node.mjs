// A node: an instance of the module, a UDP socket on loopback and a state file, in a thread of its own.

import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

const [WAIT, PERSIST, SEND, LEADS] = [0, 1, 2, 3];
const LONGEST_TIMEOUT = 2 ** 31 - 1;

const { id, voters, module, stateFile } = workerData;
const host = { now: () => performance.now(), random: () => randomBytes(4).readUInt32LE() };
const { exports: raft } = await WebAssembly.instantiate(module, { host });
const buffer = (length) => new Uint8Array(raft.memory.buffer, raft.buffer(), length);

// Only an explicit first start begins without a state.
const state = existsSync(stateFile) ? readFileSync(stateFile) : new Uint8Array();
buffer(state.length).set(state);
if (!raft.start(id, voters, state.length)) throw new Error(`${stateFile}: not the state of node ${id}`);

// Replaces the state: what a crash leaves is the old or the new one, whole.
function save(bytes) {
  const file = openSync(`${stateFile}.new`, 'w');
  writeSync(file, bytes);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${stateFile}.new`, stateFile);
  const directory = openSync(dirname(stateFile));
  fsyncSync(directory);
  closeSync(directory);
}

let ports = new Map();
let timer;

function drive() {
  for (;;) {
    const what = raft.next();
    const number = raft.number();
    // A copy: the buffer is filled again before the datagram has left.
    const bytes = buffer(raft.length()).slice();
    if (what === PERSIST) save(bytes);
    else if (what === SEND && ports.has(number)) socket.send(bytes, ports.get(number), '127.0.0.1');
    else if (what === LEADS) parentPort.postMessage({ leads: number });
    else if (what === WAIT) {
      clearTimeout(timer);
      timer = setTimeout(drive, Math.min(Math.ceil(number), LONGEST_TIMEOUT));
      return;
    }
  }
}

const socket = createSocket('udp4');
// On loopback a port is taken for its owner; on a network, authenticate datagrams.
socket.on('message', (datagram, { port }) => {
  const from = [...ports.keys()].find((node) => ports.get(node) === port);
  if (from === undefined || datagram.length > 256) return;
  buffer(datagram.length).set(datagram);
  raft.receive(from, datagram.length);
  drive();
});
parentPort.on('message', (all) => (ports = all));
socket.bind(0, '127.0.0.1', () => {
  parentPort.postMessage({ port: socket.address().port });
  drive();
});
