// Runs ws, the WebSocket library of the real clients, against an echo server.
//   node websocket_peer.mjs PORT echo OPTIONS     sends messages of many lengths; prints {"extensions": ..., "equal": N}
//   node websocket_peer.mjs PORT raw HEX OFFER    sends these bytes as frames; prints {"code": close code of the server}
import WebSocket from "ws";

const [port, mode, ...rest] = process.argv.slice(2);
const url = `ws://127.0.0.1:${port}/`;

function tell(result) {
  process.stdout.write(JSON.stringify(result) + "\n");
  process.exit(0);
}

function echo(options) {
  const socket = new WebSocket(url, { perMessageDeflate: options });
  const messages = [];
  for (const size of [0, 1, 125, 126, 1023, 1024, 5000, 65535, 65536, 500000]) {
    messages.push("4" + "äx1".repeat(size / 4), Buffer.alloc(size, size % 251));
  }
  let equal = 0;
  socket.on("open", () => messages.forEach((message) => socket.send(message)));
  socket.on("message", (data) => {
    if (!data.equals(Buffer.from(messages[equal]))) throw new Error(`message ${equal} differs`);
    equal += 1;
    if (equal === messages.length) socket.close(4000, "enough");
  });
  socket.on("close", (code, reason) =>
    tell({ extensions: socket.extensions, equal, all: messages.length, code, reason: reason.toString() }),
  );
}

function raw(hex, offer) {
  const socket = new WebSocket(url, { perMessageDeflate: offer === "true" });
  socket.on("open", () => socket._socket.write(Buffer.from(hex, "hex")));
  socket.on("close", (code) => tell({ code }));
}

if (mode === "echo") echo(JSON.parse(rest[0]));
else raw(...rest);
