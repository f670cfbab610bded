// The page: shows the daemon's state once a second and sends it the owner's choices.

import { Player } from "/player.js";
import { installDivider, installFullScreen } from "/stage.js";

const POLL_MS = 1000;
const TIMEOUT_MS = 4000;
const PROBLEM_MS = 7000;

const BADGES = {
  starting: "starting",
  running: "live",
  "camera lost": "camera lost: reconnecting",
  ended: "ended",
  failed: "failed",
  unreachable: "no connection: reconnecting",
};
const ENGINES = { tflite: "TFLite", openvino: "OpenVINO", onnx: "ONNX" };

const $ = (id) => document.getElementById(id);
const root = document.documentElement.style;
let styles = [];
let changes = 0; // A poll that began before a change must not undo it on the page.
let wantedStrength = null;
let sendingStrength = false;
let problemTimer = 0;

// ---- talking to the daemon ----

async function ask(path, options = {}) {
  const response = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.error), { hint: answer.hint });
  return answer;
}

async function change(path, body) {
  changes++;
  try {
    const status = await ask(path, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000), // A style may have to be compiled first.
    });
    changes++;
    showStatus(status);
  } catch (error) {
    changes++;
    showProblem(error.message, error.hint);
  }
}

async function poll() {
  const before = changes;
  try {
    const status = await ask("/api/status");
    if (before !== changes) return;
    if (!styles.some((style) => style.name === status.style)) await loadStyles();
    showStatus(status);
    if (status.state === "running") player.restartIfStalled();
  } catch (error) {
    showState("unreachable", "");
  }
}

async function pollForever() {
  for (;;) {
    if (!document.hidden) await poll();
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

// ---- showing ----

function showStatus(status) {
  showState(status.state, status.message);
  showFigures(status);
  markActive(status.style);
  if (wantedStrength === null && !sendingStrength) showStrength(Math.round(status.strength * 100));
  $("tag-style").textContent = status.title;
}

function showState(state, message) {
  const badge = $("badge");
  if (badge.textContent !== BADGES[state]) badge.textContent = BADGES[state];
  badge.dataset.state = state;
  const still = state !== "running";
  $("stage").toggleAttribute("data-still", still);
  $("notice").hidden = !still;
  $("notice-title").textContent = BADGES[state];
  $("notice-text").textContent = message;
}

function showFigures(status) {
  const { engine } = status;
  const median = status.latency_ms.median;
  $("fps").textContent = `${status.fps.toFixed(1)} fps`;
  $("latency").textContent = median === null ? "–" : `${median.toFixed(0)} ms`;
  $("size").textContent = status.width ? `${status.width} × ${status.height}` : "–";
  $("engine").textContent = engine.engine
    ? `${ENGINES[engine.engine] ?? engine.engine} ${engine.precision.toUpperCase()}` : "–";
  $("engine").title = engine.library
    ? `${engine.library} ${engine.version}, ${engine.device}, ${engine.threads} threads` : "";
}

function showStrength(percent) {
  const range = $("strength");
  range.value = percent;
  range.style.setProperty("--fill", `${percent}%`);
  $("strength-value").textContent = `${percent} %`;
}

function showProblem(message, hint) {
  $("problem").textContent = hint ? `${message} (${hint})` : message;
  $("problem").hidden = false;
  clearTimeout(problemTimer);
  problemTimer = setTimeout(() => { $("problem").hidden = true; }, PROBLEM_MS);
}

// ---- styles ----

async function loadStyles() {
  styles = await ask("/api/styles");
  $("cards").replaceChildren(...styles.map(buildCard));
}

function buildCard(style) {
  const card = document.createElement("button");
  card.type = "button";
  card.className = "card";
  card.dataset.name = style.name;
  const picture = document.createElement(style.preview ? "img" : "span");
  if (style.preview) {
    picture.src = `/api/styles/${encodeURIComponent(style.name)}/preview.jpg`;
    picture.alt = "";
  } else {
    picture.className = "blank";
  }
  const title = document.createElement("b");
  title.textContent = style.title;
  card.append(picture, title);
  card.addEventListener("click", () => chooseStyle(card, style.name));
  const item = document.createElement("li");
  item.append(card);
  return item;
}

async function chooseStyle(card, name) {
  card.setAttribute("aria-busy", "true");
  await change("/api/style", { name });
  card.removeAttribute("aria-busy");
}

function markActive(name) {
  for (const card of document.querySelectorAll(".card")) {
    card.setAttribute("aria-pressed", String(card.dataset.name === name));
  }
  const style = styles.find((one) => one.name === name);
  if (!style) return;
  $("about").textContent = style.description;
  const author = style.author && `by ${style.author}`;
  $("credit").textContent = [author, style.licence].filter(Boolean).join(", ");
}

// ---- strength: one request at a time, the last value wins ----

async function sendStrength() {
  wantedStrength = Number($("strength").value);
  showStrength(wantedStrength);
  if (sendingStrength) return;
  sendingStrength = true;
  while (wantedStrength !== null) {
    const strength = wantedStrength / 100;
    wantedStrength = null;
    await change("/api/strength", { strength });
  }
  sendingStrength = false;
}

// ---- start ----

const player = new Player($("picture"), (width, height) => {
  root.setProperty("--width", width);
  root.setProperty("--height", height);
});

function playWhenVisible() {
  if (document.hidden) player.stop();
  else player.start();
}

installDivider(player);
installFullScreen();
$("strength").addEventListener("input", sendStrength);
$("snapshot").addEventListener("click", (event) => {
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  event.currentTarget.download = `stylecam-${time}.jpg`;
});
document.addEventListener("visibilitychange", playWhenVisible);
playWhenVisible();
pollForever();
