"use strict";
// The page of a plan or a report. The data is tables: texts in t, what steps do
// in d, one row a step in s. Texts become text nodes, never markup. Rows are made
// when they come near the window, a chunk at a time, so that 50,000 steps cost
// as much as those in sight.
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const texts = data.t, deeds = data.d, steps = data.s;
const PANEL = 0, KIND = 1, ACTION = 2, KEY = 3, DEED = 4, SOURCE = 5, WHY = 6, TAKES = 7, OUTCOME = 8, ERROR = 9, TRIES = 10;
const signs = ["-", "~", "+"], words = ["destroy", "change", "add"];
const marks = ["failed", "unknown", "stale", "blocked", "not run", "done"];
const looks = ["bad", "bad", "wait", "wait", "wait", "good"];
const CHUNK = 100, ROW = 31; // steps a chunk; height of a folded row, guessed until it is made

const byId = id => document.getElementById(id);
const list = byId("steps"), search = byId("search"), panel = byId("panel"), kind = byId("kind"), count = byId("count");
const open = new Set();     // steps unfolded
const shut = new Set();     // panels folded
let haystacks = null;

function make(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

function brief(s) {
  const fields = deeds[s[DEED]], cut = t => t.length > 60 ? t.slice(0, 60) + "…" : t;
  if (fields.length <= 2) return fields.map(f => texts[f[0]] + " " + (f[1] < 0 ? "" : cut(texts[f[1]]) + " → ") + cut(texts[f[2]])).join(", ");
  const names = fields.map(f => texts[f[0]]);
  return names.length > 8 ? names.slice(0, 8).join(", ") + ", …" : names.join(", ");
}

function fill(details, s) {
  if (details.dataset.filled) return;
  details.dataset.filled = "1";
  const table = make("table", "fields"), body = make("tbody");
  const row = (name, ...cells) => {
    const tr = make("tr"), th = make("th", "", name), td = make("td");
    th.scope = "row";
    td.append(...cells);
    tr.append(th, td);
    body.append(tr);
  };
  if (s.length > OUTCOME && s[ERROR] >= 0) row("answer", texts[s[ERROR]]);
  for (const [name, before, after] of deeds[s[DEED]]) {
    if (before < 0) row(texts[name], make(s[ACTION] === 2 ? "ins" : "span", "", texts[after]));
    else row(texts[name], make("del", "", texts[before]), " → ", make("ins", "", texts[after]));
  }
  if (s[TAKES] >= 0) row("takes with it", make("span", "takes", texts[s[TAKES]]));
  if (s[WHY] >= 0) row("why", texts[s[WHY]]);
  if (s[SOURCE] >= 0) row("asked for by", texts[s[SOURCE]]);
  row("resource", texts[s[PANEL]] + "/" + texts[s[KIND]] + "/" + s[KEY]);
  table.append(body);
  details.append(table);
}

function row(i) {
  const s = steps[i], li = make("li"), details = make("details", "step " + words[s[ACTION]]), summary = make("summary");
  const sign = make("span", "sign", signs[s[ACTION]]);
  sign.setAttribute("role", "img");
  sign.setAttribute("aria-label", words[s[ACTION]]);
  if (s.length > OUTCOME) summary.append(make("span", "outcome " + looks[s[OUTCOME]], marks[s[OUTCOME]]));
  summary.append(sign, make("span", "ref", texts[s[KIND]] + "/" + s[KEY]));
  if (s[TAKES] >= 0) summary.append(make("span", "takes", "takes with it: " + texts[s[TAKES]]));
  if (s.length > OUTCOME && s[TRIES] > 1) summary.append(make("span", "brief", s[TRIES] + " attempts"));
  const more = s.length > OUTCOME && s[ERROR] >= 0 ? texts[s[ERROR]] : s[ACTION] === 0 && s[WHY] >= 0 ? texts[s[WHY]] : brief(s);
  if (more) summary.append(make("span", "brief", more.length > 160 ? more.slice(0, 160) + "…" : more));
  if (s[SOURCE] >= 0) summary.append(make("span", "source", texts[s[SOURCE]]));
  details.append(summary);
  details.addEventListener("toggle", () => {
    if (details.open) { open.add(i); fill(details, s); } else open.delete(i);
  });
  if (open.has(i)) { fill(details, s); details.open = true; }
  li.append(details);
  return li;
}

const near = new IntersectionObserver(seen => {
  for (const e of seen) if (e.isIntersecting) show(e.target);
}, {rootMargin: "1200px 0px"});

function show(ul) {
  if (!ul.todo) return;
  ul.append(...ul.todo.map(row));
  ul.todo = null;
  ul.style.minHeight = "";
  near.unobserve(ul);
}

// group makes the section of a panel; its chunks are made when it is unfolded.
function group(p, members) {
  const section = make("section", "panel"), head = make("h2"), button = make("button");
  const counts = [0, 0, 0];
  for (const i of members) counts[steps[i][ACTION]]++;
  const name = texts[p];
  button.type = "button";
  button.append(make("span", "", name));
  counts.forEach((n, action) => { if (n) button.append(make("small", words[action], signs[action] + n)); });
  head.append(button);
  section.append(head);
  section.setAttribute("aria-label", name);
  const body = make("div");
  section.append(body);
  const fold = () => {
    button.setAttribute("aria-expanded", String(!shut.has(p)));
    body.hidden = shut.has(p);
    if (body.hidden || body.firstChild) return;
    for (let at = 0; at < members.length; at += CHUNK) {
      const ul = make("ul");
      ul.todo = members.slice(at, at + CHUNK);
      ul.style.minHeight = ul.todo.length * ROW + "px";
      body.append(ul);
      near.observe(ul);
    }
  };
  button.addEventListener("click", () => { if (!shut.delete(p)) shut.add(p); fold(); });
  fold();
  return section;
}

function haystack() {
  const texted = deeds.map(d => d.map(f => texts[f[0]] + " " + (f[1] < 0 ? "" : texts[f[1]]) + " " + texts[f[2]]).join(" ").toLowerCase());
  const lower = texts.map(t => t.toLowerCase());
  const at = n => n >= 0 ? lower[n] : "";
  return steps.map(s => at(s[PANEL]) + "/" + at(s[KIND]) + "/" + s[KEY].toLowerCase() + " " + texted[s[DEED]] + " " + at(s[SOURCE]) + " " + at(s[WHY]) + " " + at(s[TAKES]) + (s.length > OUTCOME ? " " + at(s[ERROR]) : ""));
}

function checked(id) {
  const boxes = document.querySelectorAll("#" + id + " input");
  return boxes.length ? new Set([...boxes].filter(b => b.checked).map(b => Number(b.value))) : null;
}

function apply() {
  const needles = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (needles.length) haystacks = haystacks || haystack();
  const p = panel.value === "" ? -1 : Number(panel.value), k = kind.value === "" ? -1 : Number(kind.value);
  const actions = checked("actions"), outcomes = checked("outcomes");
  const groups = new Map();
  let shown = 0;
  for (let i = 0; i < steps.length; i++) {
    const s = steps[i];
    if (p >= 0 && s[PANEL] !== p || k >= 0 && s[KIND] !== k || !actions.has(s[ACTION])) continue;
    if (outcomes && !outcomes.has(s[OUTCOME])) continue;
    if (needles.length && !needles.every(n => haystacks[i].includes(n))) continue;
    shown++;
    const members = groups.get(s[PANEL]);
    if (members) members.push(i); else groups.set(s[PANEL], [i]);
  }
  near.disconnect();
  const sections = [];
  for (const [id, members] of groups) sections.push(group(id, members));
  if (!shown) sections.push(make("p", "brief", steps.length ? "No step matches." : "There are no steps."));
  list.replaceChildren(...sections);
  for (const ul of list.querySelectorAll("ul")) { // what is in sight is there at once
    const at = ul.getBoundingClientRect();
    if (at.top > innerHeight) break;
    if (at.bottom < 0) continue;
    show(ul);
  }
  const format = new Intl.NumberFormat("en");
  count.textContent = shown === steps.length ? format.format(shown) + (shown === 1 ? " step" : " steps") : format.format(shown) + " of " + format.format(steps.length) + " steps";
}

function choices(select, column) {
  const tally = new Map();
  for (const s of steps) tally.set(s[column], (tally.get(s[column]) || 0) + 1);
  for (const [id, n] of [...tally].sort((a, b) => texts[a[0]] < texts[b[0]] ? -1 : 1)) {
    const o = make("option", "", texts[id] + " (" + n + ")");
    o.value = id;
    select.append(o);
  }
}

// stops are where the arrows lead: heads of panels and steps.
function move(from, by) {
  if (by > 0) {
    const ul = from.closest("ul"), next = ul && ul.nextElementSibling;
    if (next) show(next);
    const section = from.closest("section.panel");
    if (from.tagName === "BUTTON" && section.lastChild.firstChild) show(section.lastChild.firstChild);
  } else {
    const ul = from.closest("ul");
    if (ul && ul.previousElementSibling) show(ul.previousElementSibling);
    const before = from.closest("section.panel").previousElementSibling;
    if (before && before.lastChild.lastChild) show(before.lastChild.lastChild);
  }
  const stops = [...list.querySelectorAll(".panel > h2 button, .panel > div:not([hidden]) summary")];
  const to = stops[stops.indexOf(from) + by];
  if (to) { to.focus(); return true; }
  return false;
}

document.addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const at = document.activeElement, field = /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName);
  if (e.key === "/" && !(field && at.type === "search")) { search.focus(); search.select(); e.preventDefault(); return; }
  if (at === search && e.key === "Escape") { search.value = ""; apply(); e.preventDefault(); return; }
  if (at === search && (e.key === "ArrowDown" || e.key === "Enter")) {
    const first = list.querySelector("summary, h2 button");
    if (first) first.focus();
    e.preventDefault();
    return;
  }
  if (field || !list.contains(at)) return;
  const details = at.tagName === "SUMMARY" ? at.parentElement : null;
  switch (e.key) {
  case "ArrowDown": move(at, 1); break;
  case "ArrowUp": if (!move(at, -1)) search.focus(); break;
  case "ArrowRight": if (details) details.open = true; else if (at.getAttribute("aria-expanded") === "false") at.click(); break;
  case "ArrowLeft":
    if (details && details.open) details.open = false;
    else if (details) at.closest("section.panel").querySelector("h2 button").focus();
    else if (at.getAttribute("aria-expanded") === "true") at.click();
    break;
  default: return;
  }
  e.preventDefault();
});

let typing = 0;
search.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(apply, 120); });
for (const e of [panel, kind]) e.addEventListener("change", apply);
for (const box of document.querySelectorAll("fieldset input")) box.addEventListener("change", apply);
byId("filters").addEventListener("submit", e => e.preventDefault());
byId("filters").addEventListener("reset", () => setTimeout(apply, 0));
byId("open").addEventListener("click", () => { shut.clear(); for (let i = 0; i < steps.length; i++) open.add(i); apply(); });
byId("close").addEventListener("click", () => { open.clear(); apply(); });
window.addEventListener("beforeprint", () => { for (const ul of list.querySelectorAll("ul")) show(ul); });

choices(panel, PANEL);
choices(kind, KIND);
apply();
document.documentElement.dataset.ready = "1"; // the page can be used
})();
