// Keeps a page up to date by what the server sends: parts that were made anew, texts, instants and new rows.
// Without scripts a page shows how things were when it was loaded.
"use strict";

const STALE_MS = 5000;
const ROWS = 200;
const SKEW_MS = 2000;
const LATEST_MESSAGES = 10;

const pulse = document.getElementById("pulse");
const waiting = new Map(); // parts that were made anew while somebody was using them
const skew = document.getElementById("skew");
const offsets = []; // how far the clock of the server was ahead of ours when the latest messages came
let offset = 0; // the largest of them: that message was delayed the least
let heardAt = performance.now();

function since(instant) {
  const seconds = Math.max(0, Math.round((Date.now() + offset - instant) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function showTimes(root) {
  for (const time of root.querySelectorAll("time[data-ago], time[data-for]")) {
    const { ago } = time.dataset;
    const text = ago ? `${since(Number(ago))} ago` : `for ${since(Number(time.dataset.for))}`;
    if (time.textContent !== text) time.textContent = text;
  }
}

function showClocks(root) {
  for (const time of root.querySelectorAll("time[data-at]")) {
    time.textContent = new Date(Number(time.dataset.at)).toLocaleTimeString([], { hour12: false });
  }
}

function isInUse(element) {
  return element.querySelector("details[open]") !== null ||
    (document.activeElement !== document.body && element.contains(document.activeElement));
}

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const element = template.content.firstElementChild;
  showTimes(element);
  showClocks(element);
  return element;
}

function replaceParts(parts) {
  for (const [id, html] of Object.entries(parts)) waiting.set(id, html);
  for (const [id, html] of waiting) {
    const element = document.getElementById(id);
    if (element === null || isInUse(element)) continue;
    const places = [...element.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
    const made = parsed(html);
    element.replaceWith(made);
    made.querySelectorAll(".scroll").forEach((each, index) => {
      if (places[index]) [each.scrollLeft, each.scrollTop] = places[index];
    });
    waiting.delete(id);
  }
}

function arrange(containers) {
  for (const [id, order] of Object.entries(containers)) {
    const container = document.getElementById(id);
    if (container === null) continue;
    const wanted = new Set(order);
    for (const child of [...container.children]) if (!wanted.has(child.id)) child.remove();
    order.forEach((childId, index) => {
      let child = document.getElementById(childId);
      if (child === null && waiting.has(childId)) {
        child = parsed(waiting.get(childId));
        waiting.delete(childId);
      }
      if (child !== null && container.children[index] !== child) {
        container.insertBefore(child, container.children[index] || null);
      }
    });
    if (container.children.length === 0) container.textContent = "";
  }
}

function addRows(tables) {
  for (const [id, html] of Object.entries(tables)) {
    const body = document.getElementById(id);
    if (body === null) continue;
    const template = document.createElement("template");
    template.innerHTML = `<table><tbody>${html}</tbody></table>`;
    const rows = template.content.querySelector("tbody");
    showClocks(rows);
    body.prepend(...rows.children);
    while (body.children.length > ROWS) body.lastElementChild.remove();
  }
}

function compareClocks(at) {
  offsets.push(at - Date.now());
  if (offsets.length > LATEST_MESSAGES) offsets.shift();
  offset = Math.max(...offsets);
  if (skew === null) return;
  skew.hidden = Math.abs(offset) < SKEW_MS;
  const words = `${Math.round(Math.abs(offset) / 1000)} s ${offset > 0 ? "behind" : "ahead of"}`;
  const text = `The clock of this device is ${words} the server's. On an overlay that is shown here, countdowns are wrong ` +
    "by as much. Have both machines set their clocks by the network.";
  const shown = skew.querySelector(".words");
  if (shown.textContent !== text) shown.textContent = text;
}

function show(message) {
  compareClocks(message.at);
  heardAt = performance.now();
  if (message.title) document.title = message.title;
  replaceParts(message.html || {});
  if (message.order) arrange(message.order);
  for (const [id, text] of Object.entries(message.text || {})) {
    const element = document.getElementById(id);
    if (element !== null) element.textContent = text;
  }
  for (const [id, instant] of Object.entries(message.ago || {})) {
    const element = document.getElementById(id);
    if (element === null) continue;
    let time = element.querySelector("time");
    if (time === null) {
      time = document.createElement("time");
      element.replaceChildren(time);
    }
    time.dataset.ago = instant;
    time.dateTime = new Date(instant).toISOString();
  }
  if (message.rows) addRows(message.rows);
}

function showPulse() {
  if (pulse === null) return;
  const isLive = performance.now() - heardAt < STALE_MS;
  const words = isLive ? "live" : "No connection to the server. Trying again…";
  pulse.classList.toggle("live", isLive);
  pulse.classList.toggle("lost", !isLive);
  const shown = pulse.querySelector(".words");
  if (shown.textContent !== words) shown.textContent = words;
}

function follow(url) {
  const source = new EventSource(url);
  source.onmessage = (event) => show(JSON.parse(event.data));
  source.addEventListener("reload", () => location.reload());
  source.onerror = () => {
    heardAt = -Infinity;
    showPulse();
    // A browser reconnects by itself, unless the server has answered that it must not: log in again, then.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
  };
}

showClocks(document);
if (document.body.dataset.feed) {
  follow(document.body.dataset.feed);
  setInterval(() => {
    showTimes(document);
    showPulse();
  }, 1000);
}
showTimes(document);
