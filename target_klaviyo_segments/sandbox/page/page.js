"use strict";
// Asks the sandbox each second while somebody looks. What it is told becomes text, never markup.

const EVERY = 1000, SAMPLES = 120;
const MARKS = {
  queued: ["○", "quiet"], processing: ["◐", "warn"], complete: ["✓", "good"], cancelled: ["✕", "bad"],
};
const COUNTS = {
  profiles: "profiles", members: "members of lists", jobs: "import jobs", open: "of them open",
  dropped: "rows dropped", requests: "requests", throttled: "throttled", refused: "refused",
};

const at = id => document.getElementById(id);
const count = number => number.toLocaleString("en");
const clock = seconds => new Date(seconds * 1000).toTimeString().slice(0, 8);

function make(tag, name, ...content) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...content.filter(each => each !== null && each !== undefined));
  return made;
}

function link(text, act) {
  const made = make("button", "link", text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

function number(value) {
  return make("span", value ? "" : "zero", count(value));
}

function pill(word) {
  const [mark, tone] = MARKS[word] ?? ["?", "quiet"];
  return make("span", `pill ${tone}`, `${mark} ${word}`);
}

// A table is written anew only when what it shows has changed, so that a selection and the focus stay.
const written = new Map(), known = new Map();

function fill(id, rows, cellsOf, nothing, keyOf = row => row.id) {
  const now = JSON.stringify([rows, chosen]);
  if (written.get(id) === now) return;
  written.set(id, now);
  const body = at(id).tBodies[0], labels = [...at(id).tHead.rows[0].cells];
  const before = known.get(id), focused = body.contains(document.activeElement) && document.activeElement.textContent;
  known.set(id, new Set(rows.map(keyOf)));
  body.replaceChildren(...rows.map(row => line(cellsOf(row), labels, row, before && !before.has(keyOf(row)))));
  if (!rows.length) body.append(make("tr", "", empty(labels.length, nothing)));
  if (focused) [...body.querySelectorAll("button")].find(each => each.textContent === focused)?.focus();
}

function line(cells, labels, row, fresh) {
  const made = make("tr", fresh ? "fresh" : "");
  cells.forEach((cell, place) => {
    const one = make(place ? "td" : "th", labels[place].className, ...[cell].flat());
    if (place) one.dataset.of = labels[place].textContent;
    else one.scope = "row";
    made.append(one);
  });
  if (row.id === chosen && "opt_in" in row) made.classList.add("chosen");
  return made;
}

function empty(span, words) {
  const made = make("td", "none", words);
  made.colSpan = span;
  return made;
}

async function ask(name, asked = {}) {
  const answer = await fetch(`/sandbox/${name}?${new URLSearchParams(asked)}`, {cache: "no-store"});
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
}

// Lists and their members

let chosen = null, below = null, older = null;

function listCells(row) {
  const more = [row.opt_in.replaceAll("_", " "), ...row.flows.map(flow => `starts the flow ${flow}`)].join(" · ");
  return [[link(row.name, () => choose(row.id)), make("div", "small soft", make("span", "mono", row.id), ` · ${more}`)], number(row.members)];
}

function memberCells(row) {
  const more = row.properties ? `${row.properties} custom ${row.properties === 1 ? "property" : "properties"}` : null;
  const name = row.email ?? row.phone ?? row.id;
  return [[link(name, () => meet(row.id)), more && make("div", "small soft", more)], row.name, row.phone ?? "", clock(row.joined)];
}

function choose(id, place = null) {
  [chosen, below] = [id, place];
  known.delete("members"); // whoever is turned to is not new
  turn();
}

async function showMembers() {
  if (!chosen) fill("members", [], memberCells, "There is no list.");
  const found = chosen && await ask("members", {list: chosen, ...(below === null ? {} : {below})});
  if (!found || found.list.id !== chosen) return;
  older = found.older;
  at("h-members").textContent = `Members of ${found.list.name}`;
  at("newest").disabled = below === null;
  at("older").disabled = older === null;
  fill("members", found.members, memberCells, found.list.joined ? "Nobody is on the list any more." : "Nobody is on the list yet.");
}

async function meet(wanted) {
  const found = await ask("person", {is: wanted});
  at("found").textContent = found ? "" : `There is no ${wanted} here.`;
  if (!found) return;
  at("person-name").textContent = found.email ?? found.id;
  const lists = found.lists.length ? `On ${found.lists.join(", ")}.` : "On no list.";
  at("person-lists").textContent = `${found.id} · since ${clock(found.created)}, changed ${clock(found.updated)} · ${lists}`;
  at("person-attributes").textContent = found.attributes;
  at("person-consent").textContent = found.consent;
  if (!at("person").open) at("person").showModal();
}

// Jobs, errors, requests

function jobCells(row) {
  const where = row.list ? `into ${row.list} · ` : "";
  return [
    [make("span", "mono", `${row.id.slice(0, 10)}…`), make("div", "small soft", `${where}${clock(row.created)}`)],
    pill(row.status), number(row.rows), number(row.imported), number(row.dropped),
  ];
}

function errorCells(row) {
  return [
    [row.whose ?? "nobody’s", make("div", "small soft", "job ", make("span", "mono", `${row.job.slice(0, 10)}…`))],
    [make("span", "mono", row.code), make("div", "", row.detail)],
  ];
}

function requestCells(row) {
  const tone = row.status === 429 ? "warn" : row.status >= 400 ? "bad" : "quiet";
  return [
    make("span", "mono", `${row.method} ${row.path}`),
    [make("span", `pill ${tone}`, String(row.status)), row.words ? make("div", "small", row.words) : null],
    row.size ? number(row.size) : "", clock(row.at),
  ];
}

// How many people there are, second by second

const samples = [];

function arrive(people) {
  samples.push({people, at: performance.now()});
  if (samples.length > SAMPLES) samples.shift();
  const most = Math.max(1, ...samples.map(one => one.people)), first = SAMPLES - samples.length;
  const points = samples.map((one, place) => `${first + place},${(40 - 40 * one.people / most).toFixed(2)}`);
  at("over").setAttribute("points", points.join(" "));
  at("under").setAttribute("points", `${first},40 ${points.join(" ")} ${SAMPLES - 1},40`);
  const last = samples.slice(-3), took = (last.at(-1).at - last[0].at) / 1000;
  const pace = took ? Math.round((last.at(-1).people - last[0].people) / took) : 0;
  const gone = pace < 0 ? "leave" : "join";
  at("pace").textContent = `${count(people)} members of lists` + (pace ? `; ${count(Math.abs(pace))} ${gone} each second` : "");
}

function show(seen) {
  at("account").textContent = `${seen.account.name} (${seen.account.id})`;
  at("counts").replaceChildren(...Object.entries(COUNTS).map(([name, label]) => {
    const value = make("dd", seen.counts[name] ? "" : "zero", count(seen.counts[name]));
    value.dataset.of = name;
    return make("div", "", make("dt", "", label), value);
  }));
  arrive(seen.counts.members);
  if (!seen.lists.some(row => row.id === chosen)) {
    [chosen, below] = [seen.lists.reduce((best, row) => row.members > best.members ? row : best, seen.lists[0])?.id ?? null, null];
  }
  fill("lists", seen.lists, listCells, "There is no list.");
  at("lists-more").textContent = seen.lists_left_out ? `And ${count(seen.lists_left_out)} older lists.` : "";
  fill("jobs", seen.jobs, jobCells, `No import job yet. Let a target send to api_url ${location.origin}`);
  fill("errors", seen.errors, errorCells, "No row was dropped.", row => `${row.job} ${row.whose} ${row.detail}`);
  fill("requests", seen.requests, requestCells, "Nobody has asked anything yet.", row => `${row.at} ${row.method} ${row.path}`);
}

// Looking goes on while the page is seen, and begins again with the sandbox

let timer = null, turning = false, again = false;

async function turn() {
  clearTimeout(timer);
  again = turning;
  if (turning || document.hidden) return;
  turning = true;
  try {
    show(await ask("overview"));
    await showMembers();
    say("live", "good");
  } catch {
    say("the sandbox has ended; this is the last that was seen", "bad");
  }
  turning = false;
  timer = setTimeout(turn, again ? 0 : EVERY);
}

function say(words, tone) {
  if (at("state").textContent === words) return;
  at("state").textContent = words;
  at("state").className = `pill ${tone}`;
}

at("older").addEventListener("click", () => choose(chosen, older));
at("newest").addEventListener("click", () => choose(chosen));
at("find").addEventListener("submit", event => {
  event.preventDefault();
  if (at("who").value.trim()) meet(at("who").value.trim());
});
document.addEventListener("visibilitychange", turn);
turn();
