// Runs any number of real socket.io-clients for tests that are written in another language.
// Takes one JSON object per line and writes one per happening:
//   {"op": "connect", "client": NAME, "url": URL, "options": {...}}        options of socket.io-client
//   {"op": "emit", "client": NAME, "event": EVENT, "payload": ANY, "bytes": BOOL}   bytes: text that is sent as binary
//   {"op": "disconnect", "client": NAME}
//   -> {"client": NAME, "happening": open | closed | connect | upgrade | disconnect | connect_error | EVENT, "details": [...]}
//      of open and upgrade: the transport, and the extensions of a WebSocket that both sides agreed on
import readline from "node:readline";
import { io } from "socket.io-client";

const sockets = new Map();

function tell(client, happening, ...details) {
  process.stdout.write(JSON.stringify({ client, happening, details }) + "\n");
}

function connect({ client, url, options }) {
  const socket = io(url, { forceNew: true, ...options });
  sockets.set(client, socket);
  socket.io.on("open", () => {
    const { engine } = socket.io;
    tell(client, "open", engine.transport.name, engine.transport.ws?.extensions);
    engine.on("upgrade", (transport) => tell(client, "upgrade", transport.name, transport.ws.extensions));
  });
  socket.on("connect", () => tell(client, "connect"));
  socket.on("disconnect", (reason) => tell(client, "disconnect", reason));
  socket.on("connect_error", (error) => tell(client, "connect_error", error.message));
  socket.onAny((event, ...details) => tell(client, event, ...details));
}

function emit({ client, event, payload, bytes }) {
  sockets.get(client).emit(event, bytes ? Buffer.from(payload) : payload);
}

function disconnect({ client }) {
  const socket = sockets.get(client);
  const { engine } = socket.io;
  if (engine.readyState === "closed") tell(client, "closed");
  else engine.on("close", () => tell(client, "closed"));
  socket.disconnect();
}

const operations = { connect, emit, disconnect };

for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  operations[command.op](command);
}
process.exit(0);
