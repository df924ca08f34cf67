// The yardstick: what a Socket.IO server costs that does next to nothing with what it is sent.
//
// Of each event it parses the JSON, looks for the four keys of an envelope and overwrites one entry of an object. Only
// for matches whose document it was given does it show something: each event changes one field of the document and
// sends it to all who follow the match, as often as events come.
//
// It prints its port and serves until it is told to end. Logons are answered, never judged.

import { createServer } from "node:http";
import { Server } from "socket.io";

const KILOBYTE = 1024;

const http = createServer();
const io = new Server(http, {
  perMessageDeflate: {
    threshold: KILOBYTE,
    zlibDeflateOptions: { level: 3, memLevel: 7, chunkSize: 10 * KILOBYTE },
    zlibInflateOptions: { chunkSize: 10 * KILOBYTE },
  },
});

const last = {};
const shown = new Map();

const isObserverMessage = (message) =>
  "obsName" in message && "groupCode" in message && "type" in message && "data" in message;

const isAuxiliaryMessage = (message) =>
  "playerId" in message && "matchId" in message && "type" in message && "data" in message;

function show(match, message) {
  if (typeof message.data?.money === "number") {
    match.player.money = message.data.money;
  }
  io.to(message.groupCode).emit("match_data", JSON.stringify(match.document));
}

io.on("connection", (socket) => {
  let events = 0;

  socket.on("obs_logon", () => {
    socket.emit("obs_logon_ack", JSON.stringify({ type: "authenticate", value: true, reason: "" }));
  });
  socket.on("aux_logon", () => {
    socket.emit("aux_logon_ack", JSON.stringify({ type: "aux_authenticate", value: true }));
  });
  socket.on("logon", (text) => {
    const { groupCode } = JSON.parse(text);
    socket.join(groupCode);
    socket.emit("logon_success", JSON.stringify({ groupCode, msg: "Following this match." }));
  });

  socket.on("obs_data", (text) => {
    const message = JSON.parse(text);
    if (isObserverMessage(message)) {
      events += 1;
      last[message.groupCode] = message;
      const match = shown.get(message.groupCode);
      if (match !== undefined) {
        show(match, message);
      }
    }
  });
  socket.on("aux_data", (text) => {
    const message = JSON.parse(text);
    if (isAuxiliaryMessage(message)) {
      events += 1;
      last[message.playerId] = message;
    }
  });

  // Of the benchmark: how many events of this connection have been handled, and what to show of a match.
  socket.on("count", () => socket.emit("counted", JSON.stringify({ events })));
  socket.on("show", (text) => {
    const { groupCode, playerId, document } = JSON.parse(text);
    const players = document.teams.flatMap((team) => team.players);
    shown.set(groupCode, { document, player: players.find((player) => player.riotId === playerId) });
    socket.emit("shown", JSON.stringify({ groupCode }));
  });
});

http.listen(0, "127.0.0.1", () => console.log(http.address().port));
