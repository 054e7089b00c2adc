// The page: asks for views, shows them, sends what is pressed. It knows no story: whatever it
// shows came in a view.

// ---- Elements: a description of what should be there, and the smallest change that gets there ----

const SVG = "http://www.w3.org/2000/svg";
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let settled = false; // Nothing glows while the page fills for the first time.

/** Describes an element. `key` tells siblings apart, `glow` shows a change of it. */
function h(tag, props, ...children) {
  const { key, glow, on, ...attributes } = props ?? {};
  return { tag, key, glow, on, attributes, kids: children };
}

/** What of a list of children is there at all. */
function there(kids) {
  return kids.flat(Infinity).filter((kid) => kid !== null && kid !== undefined && kid !== false && kid !== "");
}

function make(node, svg) {
  if (typeof node !== "object") return document.createTextNode(node);
  const inside = svg || node.tag === "svg";
  const element = inside ? document.createElementNS(SVG, node.tag) : document.createElement(node.tag);
  element.made = { attributes: {}, on: {} };
  update(element, node, inside);
  if (node.glow) shine(element);
  return element;
}

function update(element, node, svg) {
  const made = element.made;
  for (const name of Object.keys(made.attributes)) {
    if (!(name in node.attributes)) element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(node.attributes)) {
    if (made.attributes[name] === value) continue;
    if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const [event, act] of Object.entries(node.on ?? {})) {
    if (!made.on[event]) element.addEventListener(event, (happened) => element.made.on[event]?.(happened));
    made.on[event] = act;
  }
  element.made = { attributes: node.attributes, on: made.on, tag: node.tag, key: node.key };
  return fill(element, node.kids, svg);
}

/** Makes the children of `element` what `kids` describe. Tells whether a text changed. */
function fill(element, kids, svg = false) {
  let changed = false;
  const old = [...element.childNodes];
  const keyed = new Map(old.filter((one) => one.made?.key !== undefined).map((one) => [one.made.key, one]));
  let place = 0;
  for (const kid of there(kids)) {
    const here = element.childNodes[place];
    let found = null;
    if (typeof kid !== "object") {
      found = here?.nodeType === Node.TEXT_NODE ? here : null;
      if (found && found.data !== String(kid)) {
        found.data = kid;
        changed = true;
      }
    } else if (kid.key !== undefined) {
      found = keyed.get(kid.key) ?? null;
    } else if (here?.made && here.made.key === undefined && here.made.tag === kid.tag) {
      found = here;
    }
    if (found?.made && found.made.tag !== kid.tag) found = null;
    if (!found) {
      element.insertBefore(make(kid, svg), here ?? null);
      changed = true;
    } else {
      if (found !== here) element.insertBefore(found, here ?? null);
      if (typeof kid === "object") {
        const inner = update(found, kid, svg || kid.tag === "svg");
        if (inner && kid.glow) shine(found);
        changed = (inner && !kid.glow) || changed;
      }
    }
    place += 1;
  }
  while (element.childNodes.length > place) {
    element.lastChild.remove();
    changed = true;
  }
  return changed;
}

/** Shows for a moment that this has just changed. */
function shine(element) {
  if (!settled || calm.matches) return;
  const glow = getComputedStyle(document.documentElement).getPropertyValue("--glow");
  element.animate([{ backgroundColor: glow }, { backgroundColor: glow, offset: 0.35 }, {}], { duration: 2200, easing: "ease-out" });
}

const ICONS = {
  portal: "M4 5h16v11H9l-5 4z",
  keap: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-8 9c0-4 3.6-6 8-6s8 2 8 6",
  phone: "M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zm3 15h2",
  mail: "M3 6h18v12H3zm0 1 9 6 9-6",
  relay: "M4 12h11m0 0-4-4m4 4-4 4M17 6h3v12h-3",
  done: "m5 12 5 5 9-10",
  open: "M2 12s4-6 10-6 10 6 10 6-4 6-10 6-10-6-10-6zm10 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  click: "m5 4 6 16 2-7 7-2z",
  play: "M7 5v14l11-7z",
  pause: "M8 5v14M16 5v14",
  next: "M6 5v14l9-7zm12 0v14",
  again: "M5 5v5h5M5 10a8 8 0 1 1-1 5",
};

function icon(name) {
  return h("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, h("path", { d: ICONS[name] }));
}

// ---- What is shown ----

let view = null;
let chosen = location.hash.slice(1) || null;
let everybody = false;
const wide = matchMedia("(min-width: 1180px)");

function person(id) {
  return view.people.find((one) => one.id === id);
}

/** The tools that a clinic may have, by the names that they have here. */
const TOOLS = { portal: "Portal", "check-ins": "Check-in list", keap: "Keap" };

function show() {
  if (!view) return;
  if (chosen === "all" && wide.matches) everybody = true;
  if (!view.roster.some((one) => one.id === chosen)) chosen = view.roster[0]?.id ?? null;
  const together = everybody && wide.matches && view.people.length > 1;
  document.body.dataset.together = together;
  fill(document.getElementById("time"), timeOf(view.clock));
  fill(document.getElementById("vendors"), Object.keys(TOOLS).filter((id) => view.trouble[id]).map((id) => vendor(id, TOOLS[id])));
  fill(document.getElementById("picker"), picker(together));
  notice();
  const shown = together ? view.people : view.people.filter((one) => one.id === chosen);
  const people = shown.map((one) => article(one));
  const nobody = h("p", { class: "waiting", key: "nobody" }, "Nobody is here yet.");
  fill(document.getElementById("people"), people.length ? people : [nobody]);
  settled = true;
  rest();
}

function notice() {
  const place = document.getElementById("notice");
  const over = view.clock.in_hand?.over;
  place.hidden = !over && view.relay_here;
  if (!view.relay_here) {
    place.textContent = "The relay runs as another process here: this page shows what the vendors know. Use the relay’s command line for its cases and work items.";
  } else if (over) {
    place.textContent = "The story has come to its end, and time stands still. Let it go on, or begin anew.";
  }
}

function timeOf(clock) {
  const hand = clock.in_hand;
  const press = (what) => () => send("/stage/clock", { do: what });
  const button = (what, name, label, usable = true) =>
    h("button", { type: "button", class: "round", "aria-label": label, title: label, disabled: !usable, on: { click: press(what) }, key: what }, icon(name));
  return [
    h("div", { class: "clock", key: "clock" }, h("strong", {}, clock.time), h("span", {}, clock.day)),
    hand && h("div", { class: "hand", key: "hand" },
      clock.running ? button("pause", "pause", "Pause time") : button("play", "play", "Let time pass"),
      button("next", "next", "On to the next event"),
      h("span", { class: "pace", key: "pace" },
        h("button", { type: "button", class: "round", "aria-label": "Slower", title: "Slower", disabled: !hand.slower, on: { click: press("slower") } }, "−"),
        h("span", {}, clock.pace),
        h("button", { type: "button", class: "round", "aria-label": "Faster", title: "Faster", disabled: !hand.faster, on: { click: press("faster") } }, "+")),
      button("again", "again", "Begin anew")),
    !hand && h("div", { class: "hand", key: "fixed" }, h("span", { class: "pace" }, h("span", {}, clock.pace))),
  ];
}

function vendor(id, name) {
  const trouble = view.trouble[id];
  const broken = trouble.length > 0;
  const state = broken ? trouble.join("; ") : "is well";
  const press = (what) => () => send("/stage/press", { vendor: id, ...what });
  return h("details", { class: "vendor", key: id, "data-broken": broken, "data-vendor": id },
    h("summary", { title: `${name} ${state}` }, h("span", { class: "dot" }), h("b", {}, name), h("span", { class: "state" }, broken ? "broken" : "is well")),
    h("div", { class: "menu" },
      h("p", { "data-part": "trouble" }, `${name} ${state}.`),
      h("button", { type: "button", "aria-label": `${name}: answer 503`, on: { click: press({ press: "break", how: "unavailable" }) } }, "Break it: answer 503"),
      h("button", { type: "button", "aria-label": `${name}: hang after the work`, on: { click: press({ press: "break", how: "hang" }) } }, "Break it: do the work, never answer"),
      h("button", { type: "button", class: "main", "aria-label": `${name}: heal`, disabled: !broken, on: { click: press({ press: "heal" }) } }, "Heal it")));
}

function picker(together) {
  const cards = view.roster.map((entry) => {
    const whole = person(entry.id);
    const line = whole && headline(whole);
    const on = !together && entry.id === chosen;
    return h("button", { type: "button", key: entry.id, class: "card", "data-person": entry.id, "aria-pressed": String(on), on: { click: () => choose(entry.id) } },
      h("span", { class: "who" }, h("span", { class: "face", "data-tone": tone(entry.id) }, entry.name.charAt(0)), h("b", {}, entry.name),
        line && h("span", { class: "pill", "data-status": line.status, glow: true }, line.status)),
      whole?.story && h("span", { class: "story" }, whole.story),
      line && h("span", { class: "now", glow: true }, line.now));
  });
  const all = view.people.length > 1 && h("button", { type: "button", key: "@all", class: "card all", "aria-pressed": String(together), on: { click: () => choose("all") } }, "Side by side");
  return [...cards, all];
}

function choose(id) {
  everybody = id === "all";
  if (!everybody) chosen = id;
  history.replaceState(null, "", `#${id}`);
  settled = false; // What appears because it was chosen has not changed.
  show();
  if (!everybody && !person(id)) connect();
}

function tone(id) {
  return [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 5, 7);
}

/** Where she stands, in a few words. */
function headline(one) {
  const line = one.relay;
  const expected = (one.portal ?? one.list)?.check_ins.at(-1)?.state;
  if (!line) return { status: expected ?? "known", now: one.keap ? `Contact type: ${one.keap.contact_type ?? "none"}` : "" };
  if (line.dead) return { status: "needs you", now: `${line.dead} ${line.dead === 1 ? "job was" : "jobs were"} given up` };
  const open = line.cases.find((one) => one.status !== "closed") ?? line.cases[0];
  if (line.work.length) return { status: `needs ${line.work[0].owner}`, now: line.work[0].title };
  if (!open) return { status: "quiet", now: "Nothing to follow up" };
  const until = open.until ? `${open.until}: ` : "";
  return { status: open.status === "open" ? "waiting" : open.status, now: `${until}${open.now}` };
}

function article(one) {
  return h("article", { class: "person", key: one.id, "data-person": one.id, "aria-label": one.name },
    h("header", {},
      h("h2", {}, h("span", { class: "face", "data-tone": tone(one.id) }, one.name.charAt(0)), one.name),
      h("p", {}, one.story, one.story && ". ", one.coach && `Coach: ${one.coach}.`),
      one.taken_over && h("p", { class: "yours" }, "You have taken a hand: this story is yours now.")),
    relayPanel(one),
    one.portal && portalPanel(one), one.list && listPanel(one), one.keap !== undefined && keapPanel(one),
    h("div", { class: "hers" }, one.phone && phonePanel(one), one.mailbox && mailPanel(one),
      h("p", { class: "slack" }, "Slack is not connected yet.")));
}

function panel(name, title, sub, ...kids) {
  return h("section", { class: `panel ${name}`, "data-panel": name, "aria-label": title },
    h("h3", {}, icon(name), h("span", {}, title), sub && h("small", {}, sub)), ...kids);
}

function button(one, label, body, usable = true, main = false) {
  return h("button", { type: "button", key: label, class: main && "main", "aria-label": `${one.name}: ${label.toLowerCase()}`, disabled: !usable, on: { click: () => (typeof body === "function" ? body() : send("/stage/press", body)) } }, label);
}

function group(title, kids, none) {
  return h("div", { class: "group", "data-group": title }, h("h4", {}, title), kids.length ? kids : none && h("p", { class: "none" }, none));
}

// ---- The relay's line ----

function relayPanel(one) {
  const line = one.relay;
  if (!line) return panel("relay", "Clear Relay", null, h("p", { class: "none" }, "Runs as another process. Its cases: clear-relay cases list."));
  const [first, ...others] = [...line.cases].sort((a, b) => (a.status === "closed") - (b.status === "closed"));
  return panel("relay", "Clear Relay", "what it does, and why",
    h("div", { class: "line" },
      first ? caseOf(first, todo(one, line)) : [h("p", { class: "none", key: "none" }, "No case: there is nothing to follow up."), todo(one, line)],
      others.map((other) => h("div", { class: "other", key: other.id }, caseOf(other)))));
}

/** What people must do, and what fails. */
function todo(one, line) {
  return (line.work.length > 0 || line.failing.length > 0) && h("div", { class: "todo", key: "todo" },
      line.work.map((item) => workOf(one, item)),
      line.failing.map((job) => h("p", { class: "failing", key: `job${job.id}`, "data-dead": job.dead, "data-part": "failing" }, job.text)),
      line.dead > 0 && h("div", { class: "buttons", key: "@replay" }, button(one, "Replay what was given up", { press: "replay", client: one.id }, one.can.replay, true)));
}

function caseOf(one, people) {
  const steps = one.steps.filter((step) => step.state !== "not taken");
  return h("div", { class: "case", key: one.id, "data-case": one.procedure },
    h("p", { class: "standing" },
      h("span", { class: "pill", "data-status": one.status, glow: true }, one.status),
      h("b", {}, one.procedure),
      h("span", { class: "wait", "data-part": "wait", glow: true }, one.until ? `until ${one.until}: ${one.now}` : one.now)),
    one.decision && h("p", { class: "why", "data-part": "decision", glow: true }, one.decision),
    one.cautions.map((caution) => h("p", { class: "quiet", key: caution }, `Look at this: ${caution}.`)),
    one.would_change && h("p", { class: "quiet" }, `What would have changed it: ${one.would_change}.`),
    people,
    h("ol", { class: "steps" }, steps.map((step) => h("li", { key: step.name, "data-state": step.state, "data-step": step.name, "aria-current": step.state === "now" && "step" },
      h("span", { class: "mark" }, step.state === "done" && icon("done")),
      h("div", {}, h("b", { glow: true }, step.name), step.sentences.map((sentence) => h("q", { key: sentence }, sentence)))))),
    h("details", { class: "history" }, h("summary", {}, `History (${one.history.length})`),
      h("ol", {}, one.history.map((entry, place) => h("li", { key: place }, h("time", {}, entry.at), h("span", {}, entry.text))))));
}

function workOf(one, item) {
  return h("div", { class: "work", key: item.id, "data-work": item.kind, glow: true },
    h("p", { class: "quiet" }, `To be done by ${item.owner}`),
    h("p", {}, h("b", {}, item.title)),
    item.reason && h("p", {}, item.reason),
    item.ready && h("details", { open: true }, h("summary", {}, "The text is ready"), h("blockquote", { "data-part": "ready" }, item.ready)),
    item.check.map((line) => h("p", { class: "check", key: line }, `A text is withheld: ${line}`)),
    h("div", { class: "buttons" }, item.actions.map((action) => button(one, words(action), () => settle(item, action)))));
}

const words = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");

// ---- The tools ----

function portalPanel(one) {
  const portal = one.portal;
  const said = portal.messages.map((message) => h("li", { key: message.id, class: message.from_client ? "mine" : "", glow: true },
    h("p", { "data-part": "message" }, message.text),
    h("small", {}, `${message.who} · ${message.at}${message.from_client ? "" : message.read ? " · read" : " · not read yet"}`)));
  return panel("portal", "Clear Connection", "client portal",
    checkIns(portal),
    said.length ? h("ol", { class: "talk" }, said) : h("p", { class: "none" }, "No message yet."),
    portal.notes.length > 0 && group("For coaches only", portal.notes.map((note) => noteOf(note))),
    h("div", { class: "buttons" },
      button(one, "Check in", { press: "check_in", client: one.id }, one.can.check_in, true),
      button(one, "Reply…", () => reply(one)),
      button(one, "Read messages", { press: "read", client: one.id }, portal.messages.some((message) => !message.read))));
}

/** Where the portal has no interface: what the clinic's own list says of her. */
function listPanel(one) {
  return panel("portal", "Check-in list", "kept by the clinic", checkIns(one.list),
    h("p", { class: "none" }, "Her messages are in the portal, where the relay can’t read: her coach writes there by hand."),
    h("div", { class: "buttons" }, button(one, "Check in", { press: "check_in", client: one.id }, one.can.check_in, true)));
}

function checkIns(tool) {
  return h("p", { class: "chips" }, h("span", { class: "chip" }, tool.status),
    tool.check_ins.map((due) => h("span", { class: "chip", key: due.id, "data-state": due.state, "data-part": "check-in", glow: true }, `check-in ${due.due}: ${due.state}`)));
}

function noteOf(note) {
  return h("div", { class: "note", key: note.id, glow: true }, h("p", { class: "quiet" }, `${note.title} · ${note.at}`), h("p", {}, ...marked(note.text)));
}

/** A text for staff, with the relay's mark in small print: it is there in the tool, too. */
function marked(text) {
  const mark = /(Clear Relay, ref\. [0-9A-Z-]+)/;
  return text.split(mark).filter(Boolean).map((part) => (mark.test(part) ? h("span", { class: "marker" }, part) : part));
}

function keapPanel(one) {
  const keap = one.keap;
  if (!keap) return panel("keap", "Keap", "CRM", h("p", { class: "none" }, "She is linked to no contact."));
  const mark = (name, text) => h("span", { class: "seen", glow: true }, icon(name), text);
  const emails = keap.emails.map((mail) => h("li", { key: mail.id, class: "row", glow: true },
    h("div", {}, h("span", {}, mail.subject), h("small", {}, mail.sent)),
    h("span", { class: "marks" }, mail.opened && mark("open", `opened ${mail.opened}`), mail.clicked && mark("click", `clicked ${mail.clicked}`), !mail.opened && !mail.clicked && h("small", {}, "not opened"))));
  const tasks = keap.tasks.map((task) => h("details", { key: task.id, class: "task", "data-done": task.done, glow: true },
    h("summary", {}, h("span", { class: "box" }, task.done && icon("done")), h("span", {}, h("b", { "data-part": "task" }, task.title), h("small", {}, `${task.owner} · ${task.at}${task.done ? " · done" : ""}`))),
    h("p", { class: "long" }, ...marked(task.text))));
  const money = [
    ...keap.subscriptions.map((sub) => h("li", { key: sub.id, class: "row", glow: true }, h("span", {}, sub.name), h("span", { class: "chip", "data-part": "subscription", "data-state": sub.active ? "active" : "inactive" }, `${sub.active ? "active" : "inactive"}${sub.auto_charge ? ", charges by itself" : ", off auto-charge"}`))),
    ...keap.cards.map((card) => h("li", { key: `card${card.id}`, class: "row", glow: true }, h("span", {}, `Card ending in ${card.last_four}`), h("span", { class: "chip", "data-part": "card", "data-state": card.active ? "active" : "inactive" }, card.active ? "can be charged" : "deactivated"))),
  ];
  return panel("keap", "Keap", "CRM",
    h("p", { class: "chips" }, h("span", { class: "chip", "data-part": "type", glow: true }, `contact type: ${keap.contact_type ?? "none"}`),
      keap.tags.map((tag) => h("span", { class: "chip tag", key: tag, "data-part": "tag", glow: true }, tag))),
    group("Tasks", tasks, "None."),
    group("Emails", emails.length ? [h("ul", { class: "rows" }, emails)] : [], "None."),
    keap.notes.length > 0 && group("Notes", keap.notes.map((note) => noteOf(note))),
    money.length > 0 && group("Billing", [h("ul", { class: "rows" }, money)]),
    h("div", { class: "buttons" },
      button(one, "Complete the call…", () => call(one), one.can.call, true),
      one.can.answer && button(one, "Answer her task…", () => answer(one)),
      view.relay_here && button(one, "Set contact type to In-Person", { press: "contact_type", client: one.id, value: "In-Person" }, one.can.move_to_clinic),
      view.relay_here && button(one, "Stop the coaching fee…", () => stopFee(one), one.can.stop_fee)));
}

function phonePanel(one) {
  const calls = one.phone.map((call) => h("li", { key: call.id, "data-part": "call", glow: true },
    h("p", {}, call.done ? (call.outcome ? `${call.coach} called: ${call.outcome}` : "The task is closed; nothing is written about a call") : `${call.coach} is asked to call`),
    h("small", {}, call.done ?? `since ${call.since}`)));
  return panel("phone", "Her phone", null, calls.length ? h("ul", { class: "calls" }, calls) : h("p", { class: "none" }, "Quiet."));
}

function mailPanel(one) {
  const mails = one.mailbox.map((mail) => h("div", { class: "mail", key: mail.id, "data-opened": mail.opened, glow: true },
    h("p", { class: "quiet" }, `${mail.from} · ${mail.at}${mail.opened ? " · opened" : ""}`),
    h("p", {}, h("b", {}, mail.subject)),
    h("p", { class: "letter", "data-part": "mail-text" }, letter(mail.html))));
  const older = one.keap?.emails.length ?? 0;
  return panel("mail", "Her mailbox", null,
    mails.length ? mails : h("p", { class: "none" }, older ? `${older} older ${older === 1 ? "email" : "emails"} from the clinic; none from the relay yet.` : "Empty."),
    h("div", { class: "buttons" }, button(one, "Open newest email", { press: "open_email", client: one.id }, one.can.open_email, true)));
}

/** The text that a browser makes of an HTML part. Nothing of it is run or loaded. */
function letter(html) {
  const body = new DOMParser().parseFromString(html, "text/html").body;
  const read = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data.replace(/[ \t\r\n]+/g, " ");
    if (node.nodeType !== Node.ELEMENT_NODE) return "";
    if (node.tagName === "BR") return "\n";
    return [...node.childNodes].map(read).join("");
  };
  return read(body).split("\n").map((line) => line.trim()).join("\n").trim();
}

// ---- What is pressed ----

let waiting = []; // Presses that were answered and do not show yet.

async function send(path, body) {
  document.body.ariaBusy = "true";
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).catch(() => null);
  const told = await answer?.json().catch(() => null);
  if (answer?.ok) {
    if (Array.isArray(told.done) && told.done.length) say(told.done.join("; "));
    waiting.push(told.presses);
  } else {
    say(told?.error?.message ?? "The stage does not answer. Does it still run?");
  }
  rest();
}

/** Busy until what was pressed shows. */
function rest() {
  waiting = waiting.filter((presses) => !view || presses > view.clock.presses);
  document.body.ariaBusy = String(waiting.length > 0);
}

let saying = 0;
function say(text) {
  const toast = document.getElementById("toast");
  toast.textContent = text;
  toast.dataset.shown = "true";
  clearTimeout(saying);
  saying = setTimeout(() => delete toast.dataset.shown, 6000);
}

/** Asks for something; the answer is the field's value, or null. */
function ask(title, lines, field, yes) {
  const dialog = document.getElementById("dialog");
  return new Promise((resolve) => {
    const input = field && h(field.tag, { id: "dialog-field", name: "field", ...field.props }, ...(field.kids ?? []));
    fill(dialog, [h("form", { method: "dialog", key: `${title}${performance.now()}` },
      h("h2", { id: "dialog-title" }, title),
      lines.length > 0 && h("ul", {}, lines.map((line) => h("li", {}, line))),
      input && h("label", { for: "dialog-field" }, field.label), input,
      h("div", { class: "buttons" },
        h("button", { type: "submit", value: "no", formnovalidate: true }, "Not now"),
        h("button", { type: "submit", value: "yes", class: "main" }, yes)))]);
    dialog.onclose = () => resolve(dialog.returnValue === "yes" ? (dialog.querySelector("#dialog-field")?.value ?? "") : null);
    dialog.returnValue = "no";
    dialog.showModal();
  });
}

async function reply(one) {
  const field = { tag: "textarea", label: "What she writes", props: { rows: 3, required: true, maxlength: 2000 } };
  const text = await ask(`${one.name} replies in the portal`, [], field, "Send");
  if (text !== null) send("/stage/press", { press: "reply", client: one.id, text });
}

const OUTCOMES = ["voicemail", "no answer", "spoke", "wrong number"];
function outcomes(label) {
  return { tag: "select", label, props: {}, kids: OUTCOMES.map((one) => h("option", { value: one }, one)) };
}

async function call(one) {
  const task = one.phone.find((asked) => !asked.done)?.id ?? null;
  const outcome = await ask(`${one.coach} has called ${one.name}`, [], outcomes("What she writes after “Outcome:”"), "Complete the task");
  if (outcome !== null) send("/stage/press", { press: "call", client: one.id, task, outcome });
}

/** The words come from the task itself: each stands behind a dash, before what it means. */
async function answer(one) {
  const open = one.keap.tasks.find((task) => !task.done);
  if (!open) return say("There is no open task any more.");
  const offered = [...open.text.matchAll(/^- ([a-z ]+): (.*)$/gm)].map(([, word, meaning]) => `${word}: ${meaning}`);
  const field = { tag: "input", label: "What she writes after “Answer:”", props: { type: "text", required: true, maxlength: 200 } };
  const text = await ask(`${one.coach} answers: ${open.title}`, offered, field, "Complete the task");
  if (text !== null) send("/stage/press", { press: "answer", client: one.id, task: open.id, answer: text });
}

async function stopFee(one) {
  const answer = await fetch(`/stage/plan?client=${encodeURIComponent(one.id)}`).catch(() => null);
  const told = await answer?.json().catch(() => null);
  if (!answer?.ok) return say(told?.error?.message ?? "The plan can’t be read now.");
  const yes = await ask(`Stop the coaching fee of ${one.name}?`, told.done, null, "Stop the fee");
  if (yes !== null) send("/stage/press", { press: "stop_fee", client: one.id, confirmed: true });
}

async function settle(item, action) {
  const fields = {
    promised: { tag: "input", label: "By which day", props: { type: "date", required: true } },
    close: { tag: "input", label: "Why", props: { type: "text" } },
    pause: { tag: "input", label: "Why", props: { type: "text" } },
    call_outcome: outcomes("What came of the call"),
  };
  const field = fields[action];
  const text = field ? await ask(`${item.title}: ${words(action).toLowerCase()}`, [], field, words(action)) : "";
  if (text !== null) send("/stage/press", { press: "settle", item: item.id, action, text: text || null });
}

// ---- Views come in ----

let source = null;
let polling = 0;

/** Whom to ask for: everybody where they are few, else the one who is chosen. */
function wanted() {
  if (!view || view.roster.length <= view.people.length || !chosen || chosen === "all") return "";
  return `?who=${encodeURIComponent(chosen)}`;
}

function connect() {
  source?.close();
  clearInterval(polling);
  if (!window.EventSource) return poll();
  source = new EventSource(`/stage/live${wanted()}`);
  source.addEventListener("view", (event) => {
    view = JSON.parse(event.data);
    alive(true);
    show();
  });
  source.addEventListener("clock", (event) => {
    if (!view) return;
    view.clock = JSON.parse(event.data);
    fill(document.getElementById("time"), timeOf(view.clock));
    notice();
    rest();
  });
  source.onerror = () => {
    alive(false);
    // A stream that was refused does not come back by itself; one that broke does.
    if (source.readyState === EventSource.CLOSED) poll();
  };
}

function poll() {
  clearInterval(polling);
  polling = setInterval(async () => {
    const answer = await fetch(`/stage/state${wanted()}`).catch(() => null);
    alive(Boolean(answer?.ok));
    if (!answer?.ok) return;
    view = await answer.json();
    show();
  }, 1000);
}

function alive(yes) {
  document.body.dataset.alive = yes;
  if (!yes) say("The stage is not reached; trying again…");
}

wide.addEventListener("change", show);
addEventListener("hashchange", () => choose(location.hash.slice(1)));
connect();
