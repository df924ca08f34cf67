// Runs ws, the WebSocket library of the real clients, against an echo server. Takes one JSON array per line, and writes
// one line for each:
//   [PORT, "echo", OPTIONS]     sends messages of many lengths; tells {"extensions": ..., "equal": N, "all": N, ...}
//   [PORT, "raw", HEX, OFFER]   sends these bytes as frames; tells {"code": close code of the server}
// If anything goes wrong, the one line is {"error": ...}.
import readline from "node:readline";
import WebSocket from "ws";

function open(url, perMessageDeflate) {
  const socket = new WebSocket(url, { perMessageDeflate });
  let isTold = false;
  socket.tell = (result) => {
    if (!isTold) process.stdout.write(JSON.stringify(result) + "\n");
    isTold = true;
  };
  socket.on("error", (error) => socket.tell({ error: String(error) }));
  return socket;
}

function echo(url, options) {
  const socket = open(url, options);
  const messages = [];
  for (const size of [0, 1, 125, 126, 1023, 1024, 5000, 65535, 65536, 500000]) {
    messages.push("4" + "äx1".repeat(size / 4), Buffer.alloc(size, size % 251));
  }
  let equal = 0;
  socket.on("open", () => messages.forEach((message) => socket.send(message)));
  socket.on("message", (data) => {
    if (!data.equals(Buffer.from(messages[equal]))) socket.tell({ error: `message ${equal} differs` });
    equal += 1;
    if (equal === messages.length) socket.close(4000, "enough");
  });
  socket.on("close", (code, reason) =>
    socket.tell({ extensions: socket.extensions, equal, all: messages.length, code, reason: reason.toString() }),
  );
}

function raw(url, hex, offer) {
  const socket = open(url, offer);
  socket.on("open", () => socket._socket.write(Buffer.from(hex, "hex")));
  socket.on("close", (code) => socket.tell({ code }));
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const [port, mode, ...rest] = JSON.parse(line);
  ({ echo, raw })[mode](`ws://127.0.0.1:${port}/`, ...rest);
});
