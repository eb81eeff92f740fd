// A screen in the street. It asks the city every few seconds what is up, turns through items and languages, drops what
// expires by the city's clock even without a network, and never goes blank. Words of others only ever become text nodes.
"use strict";

const POLL_MS = 7000;
const MOST_POLL_MS = 60000;
const STALE_MS = 15 * 60000;
const TAKEOVER = 4;
const FIRST = 3;
const SIZES = ["largest", "large", "normal"];
const FADE_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 250;

const token = location.hash.slice(1);
const article = document.getElementById("item");
const cards = [...document.querySelectorAll(".card")];
const part = { kind: article.querySelector(".kind"), title: article.querySelector("h1"), when: article.querySelector(".when"), body: article.querySelector(".body") };

let state = { items: [], langs: cards.map((card) => card.lang), tz: undefined };
let etag = null;
let closed = token === "";
let lastContact = null;
let clock = null; // the city's time and our own monotonic time at one moment
let failures = 0;
let pollTimer = 0;
let turnTimer = 0;
let turn = 0;
let slides = [];
let pages = [];
const reported = new Set();
const unreported = new Map();

// --- the city's clock ---

function now() {
  return clock ? clock.city + (performance.now() - clock.here) : Date.now();
}

function setClock(header, asked) {
  const city = Date.parse(header || "");
  if (!Number.isNaN(city)) clock = { city, here: (asked + performance.now()) / 2 };
}

function timeOf(moment, lang) {
  return new Intl.DateTimeFormat(lang, { hour: "numeric", minute: "2-digit", timeZone: state.tz }).format(moment);
}

// --- what is up ---

function live() {
  const up = state.items.filter((item) => Date.parse(item.expires_at) > now());
  const takeovers = up.filter((item) => item.level >= TAKEOVER);
  return takeovers.length ? takeovers : up;
}

/** Every item in each of our languages that it has; else in the one it was written in. Alerts come up between any two others. */
function playlist() {
  const up = live();
  const first = up.filter((item) => item.level === FIRST);
  const rest = up.filter((item) => item.level !== FIRST);
  const order = rest.length ? rest.flatMap((item) => [...first, item]) : first;
  return order.flatMap((item) => {
    const ours = state.langs.filter((lang) => item.langs[lang]);
    return (ours.length ? ours : [item.fallback]).map((lang) => ({ item, lang, text: item.langs[lang] }));
  }).filter((slide) => slide.text);
}

// --- showing ---

function words(text) {
  const wide = (text.match(/[\u3040-\u30ff\u3400-\u9fff]/g) || []).length;
  const others = text.replace(/[\u3040-\u30ff\u3400-\u9fff]/g, " ").split(/\s+/).filter(Boolean).length;
  return { wide, others };
}

function dwell(text) {
  const { wide, others } = words(text);
  return Math.min(30, Math.max(8, 4 + 0.5 * others + 0.25 * wide)) * 1000;
}

function sentences(text, lang) {
  if (Intl.Segmenter) return [...new Intl.Segmenter(lang, { granularity: "sentence" }).segment(text)].map((one) => one.segment);
  return text.match(/[^.!?。！？؟\n]+[.!?。！？؟\n]*\s*/g) || [text];
}

/** Whether the words stay inside the margins, not only on the screen. */
function fits() {
  const box = article.getBoundingClientRect();
  const style = getComputedStyle(article);
  const last = part.body.textContent ? part.body : part.title;
  return last.getBoundingClientRect().bottom <= box.bottom - parseFloat(style.paddingBottom) + 1 && part.kind.getBoundingClientRect().top >= box.top;
}

/** The body whole, as large as it fits; else in pages cut at sentence ends, or within a sentence where one alone is too long. */
function paginate(slide) {
  if (!slide.text.body) return [{ body: "", size: SIZES.at(-1) }];
  for (const size of SIZES) {
    fill(slide, slide.text.body, size);
    if (fits()) return [{ body: slide.text.body, size }];
  }
  const found = [];
  let page = "";
  for (const piece of sentences(slide.text.body, slide.lang).flatMap((one) => small(one))) {
    part.body.textContent = page + piece;
    if (page && !fits()) {
      found.push(page.trim());
      page = piece;
    } else {
      page += piece;
    }
  }
  return [...found, page.trim()].filter(Boolean).map((body) => ({ body, size: SIZES.at(-1) }));
}

/** A sentence, or its words where it fills more than a page; of a word without an end, pieces. */
function small(sentence) {
  part.body.textContent = sentence;
  return fits() ? [sentence] : (sentence.match(/\s*\S+\s*/g) || []).flatMap((word) => word.match(/[\s\S]{1,60}/gu));
}

function fill(slide, body, size) {
  const { item, lang, text } = slide;
  article.lang = lang;
  article.dir = text.dir === "rtl" ? "rtl" : "ltr";
  article.dataset.kind = item.kind;
  article.dataset.level = String(item.level);
  article.dataset.size = size;
  part.kind.textContent = text.badge;
  part.title.textContent = text.title;
  part.when.textContent = text.when || "";
  part.body.textContent = body;
}

function reveal(element) {
  for (const other of [...cards, article]) other.hidden = other !== element;
  document.documentElement.lang = element.lang;
  document.documentElement.dir = element.dir;
  showFooter(element.lang);
  requestAnimationFrame(() => element.classList.remove("away"));
}

/** The time; or, when the city has not answered for long, as of when this is what it said. */
function showFooter(lang) {
  const card = cards.find((one) => one.lang === lang) || cards[0];
  const quiet = lastContact === null ? 0 : performance.now() - lastContact;
  const said = quiet > STALE_MS ? card.dataset.asOf.replace("{time}", timeOf(now() - quiet, lang)) : timeOf(now(), lang);
  document.getElementById("clock").textContent = clock ? said : "";
}

function showCard() {
  const card = cards[turn % cards.length];
  const title = card.querySelector("h1");
  card.dataset.nothing = card.dataset.nothing || title.textContent;
  title.textContent = closed ? card.dataset.closed : card.dataset.nothing;
  document.getElementById("page").textContent = "";
  turn += 1;
  reveal(card);
  next(8000);
}

function next(ms) {
  clearTimeout(turnTimer);
  turnTimer = setTimeout(leave, ms);
}

function leave() {
  for (const element of [...cards, article]) element.classList.add("away");
  turnTimer = setTimeout(step, FADE_MS);
}

/** The next page of the slide, the next slide, or the card where nothing is up. */
function step() {
  if (pages.length && isUp(slides[0])) return showPage();
  if (slides.length) slides.shift();
  slides = slides.filter(isUp);
  if (!slides.length) slides = closed ? [] : playlist();
  if (!slides.length) return showCard();
  article.hidden = false;
  for (const card of cards) card.hidden = true;
  pages = paginate(slides[0]).map((page, at, all) => ({ ...page, at, all: all.length }));
  return showPage();
}

function isUp(slide) {
  return Boolean(slide) && !closed && live().some((item) => item.broadcast === slide.item.broadcast && item.ver === slide.item.ver);
}

function showPage() {
  const page = pages.shift();
  const slide = slides[0];
  fill(slide, page.body, page.size);
  document.getElementById("page").textContent = page.all > 1 ? `${page.at + 1}/${page.all}` : "";
  reveal(article);
  requestAnimationFrame(() => requestAnimationFrame(() => shown(slide.item)));
  next(dwell(`${slide.text.title} ${slide.text.when || ""} ${page.body}`));
}

/** Something changed: if what we show is no longer up, or a takeover came, turn at once. */
function changed() {
  const showing = !article.hidden && slides.length;
  const takeover = live().some((item) => item.level >= TAKEOVER);
  if (showing && isUp(slides[0]) && (!takeover || slides[0].item.level >= TAKEOVER)) {
    slides = [slides[0], ...playlist().filter((slide) => slide.item.broadcast !== slides[0].item.broadcast)];
    return;
  }
  if (!showing && !live().length && !closed) return;
  slides = [];
  pages = [];
  clearTimeout(turnTimer);
  step();
}

// --- talking to the city ---

async function poll() {
  clearTimeout(pollTimer);
  const asked = performance.now();
  try {
    const headers = { Authorization: `Bearer ${token}` };
    if (etag) headers["If-None-Match"] = etag;
    const answer = await fetch(document.body.dataset.state, { headers, cache: "no-store", signal: AbortSignal.timeout(15000) });
    await heard(answer, asked);
    failures = 0;
  } catch (error) {
    failures += 1;
  }
  const wait = Math.min(MOST_POLL_MS, POLL_MS * 2 ** Math.min(failures, 4));
  pollTimer = setTimeout(poll, wait * (0.7 + 0.6 * Math.random()));
}

async function heard(answer, asked) {
  if (answer.status === 401 || answer.status === 404) {
    if (closed) return;
    closed = true;
    etag = null;
    turn = 0;
    state = { ...state, items: [] };
    changed();
    return;
  }
  if (answer.status !== 304 && !answer.ok) throw new Error(String(answer.status));
  const reopened = closed;
  closed = false;
  setClock(answer.headers.get("Belfry-Now"), asked);
  lastContact = performance.now();
  if (answer.status === 304) return tell();
  state = await answer.json();
  etag = answer.headers.get("ETag");
  if (reopened) slides = [];
  changed();
  tell();
}

function shown(item) {
  if (document.visibilityState !== "visible" || reported.has(item.broadcast)) return;
  reported.add(item.broadcast);
  unreported.set(item.broadcast, item.token);
  tell();
}

async function tell() {
  if (!unreported.size || closed) return;
  const items = [...unreported].slice(0, 50).map(([broadcast, proof]) => ({ broadcast, token: proof }));
  for (const item of items) unreported.delete(item.broadcast);
  try {
    const answer = await fetch(document.body.dataset.shown, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ items }),
      signal: AbortSignal.timeout(15000),
    });
    if (!answer.ok) throw new Error(String(answer.status));
  } catch (error) {
    for (const item of items) unreported.set(item.broadcast, item.token);
  }
}

// --- staying awake, staying right ---

async function stayAwake() {
  if (document.visibilityState !== "visible" || !navigator.wakeLock) return;
  try {
    await navigator.wakeLock.request("screen");
  } catch (error) {
    // The machine decides; a screen in the street is set not to sleep anyway.
  }
}

/** Twice a second: what expired leaves at once, whatever its turn; the clock in the foot goes on. */
function watch() {
  if (!article.hidden && slides.length && !isUp(slides[0])) changed();
  showFooter(document.documentElement.lang);
}

document.addEventListener("visibilitychange", stayAwake);
window.addEventListener("online", poll);
setInterval(watch, 500);
stayAwake();
showCard();
if (!closed) poll();
