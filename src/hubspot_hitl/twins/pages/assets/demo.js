"use strict";
// Everything that a stranger wrote is put in as text, never as markup.
(() => {
  const $ = (id) => document.getElementById(id);
  const PARTY = { user: "Visitor", bot: "Botpress", bridge: "Bridge", inbox: "HubSpot", agent: "Agent" };
  const MOST_ROWS = 500;
  let chosen = null;
  let state = null;
  let due = null;
  let typedAgent = false;
  let mark = ""; // the timeline's last entry
  const drawn = new WeakMap(); // list -> what it shows

  function node(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  async function call(path, body, raw) {
    const options = { method: "POST", headers: {}, body: raw };
    if (raw === undefined) {
      options.headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(body || {});
    } else {
      options.headers["Content-Type"] = raw.type || "application/octet-stream";
    }
    try {
      const response = await fetch(path, options);
      const found = await response.json();
      if (!response.ok) throw new Error(found.error || found.message || response.statusText);
      problem(null);
      look();
      return found;
    } catch (error) {
      problem(error.message);
      return null;
    }
  }

  function problem(text) {
    $("problem").hidden = !text;
    $("problem").textContent = text || "";
  }

  // -- what is shown

  function look() {
    if (due === null) due = setTimeout(refresh, 60);
  }

  async function refresh() {
    due = null;
    const asked = chosen;
    try {
      const response = await fetch("/api/state?chat=" + encodeURIComponent(asked || ""));
      if (!response.ok) throw new Error(response.statusText);
      state = await response.json();
    } catch {
      return bridge("down", "page lost");
    }
    if (asked !== chosen) return look();
    if (state.chosen) chosen = state.chosen.id;
    render();
  }

  function bridge(name, text) {
    $("bridge").className = "pill " + name;
    $("bridge").textContent = text;
  }

  // Rebuilds a list only when it changed, so that focus, scroll and screen readers are left alone.
  function fill(list, items, build) {
    const marks = items.map((item) => JSON.stringify(item));
    const old = drawn.get(list) || { of: null, marks: [] };
    const log = list.classList.contains("log");
    const same = !log || old.of === chosen;
    if (same && marks.join() === old.marks.join()) return;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    const focused = list.contains(document.activeElement) && document.activeElement.dataset.key;
    if (log && same && marks.length >= old.marks.length) {
      items.forEach((item, index) => {
        if (marks[index] === old.marks[index]) return;
        if (index < old.marks.length) list.children[index].replaceWith(build(item));
        else list.append(build(item));
      });
    } else {
      list.replaceChildren(...items.map(build));
    }
    drawn.set(list, { of: chosen, marks });
    if (log && (atEnd || !same)) list.scrollTop = list.scrollHeight;
    if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  function media(kind, url, name) {
    if (!url) return null;
    if (kind === "image") {
      const image = node("img", { src: url, alt: name || "picture" });
      image.addEventListener("load", () => { const log = image.closest(".log"); if (log) log.scrollTop = log.scrollHeight; });
      return image;
    }
    if (kind === "audio" || kind === "video") return node(kind, { src: url, controls: true });
    return node("a", { href: url, rel: "noopener", target: "_blank" }, name || "file");
  }

  function line(item) {
    if (item.empty) return node("li", { class: "empty" }, item.empty);
    const mine = item.author === "user";
    const who = mine ? "You" : item.author === "bot" ? "Bot" : item.name || "Agent";
    return node("li", { class: mine ? "mine" : item.author },
      node("span", { class: "who" }, who),
      item.text || null,
      item.url ? media(item.kind, item.url, item.text) : null);
  }

  function entry(item) {
    if (item.empty) return node("li", { class: "empty" }, item.empty);
    const event = item.kind !== "MESSAGE" && item.kind !== "COMMENT" && item.kind !== "WELCOME_MESSAGE";
    if (event) return node("li", { class: "event" }, item.text || item.kind.toLowerCase());
    const mine = item.direction === "OUTGOING";
    const note = item.kind === "COMMENT";
    const status = item.failure || (mine && item.status ? item.status.toLowerCase() : "");
    const who = [item.name || item.role, note ? "internal comment" : status].filter(Boolean).join(" · ");
    const made = node("li", { class: note ? "note" : mine ? "mine agent" : "" },
      node("span", { class: item.failure ? "who bad" : "who" }, who), item.text || null);
    for (const file of item.files) {
      if (file.kind === "replies") made.append(node("span", { class: "who" }, "offers: " + file.labels.join(" / ")));
      else made.append(media(file.kind, file.url, file.name) || file.name);
    }
    return made;
  }

  function render() {
    const one = state.chosen;
    bridge(state.bridge, "bridge " + state.bridge);
    $("play").disabled = state.playing;
    $("play").textContent = state.playing ? "Playing" : "Play the script";
    $("crash").disabled = state.bridge === "restarting";
    $("console").hidden = !state.console;
    if (state.console) $("console").href = state.console;
    agents();
    fill($("chats"), state.chats.map((chat) => ({ ...chat, current: chat.id === chosen })), (chat) => {
      const where = !chat.thread ? "with the bot" : chat.archived ? "archived" : chat.status === "CLOSED" ? "closed" : chat.assignedTo || "waiting";
      const button = node("button", { type: "button", "data-key": chat.id, "aria-current": String(chat.current) },
        chat.name, node("small", {}, where));
      button.addEventListener("click", () => { chosen = chat.id; refresh(); });
      return node("li", {}, button);
    });
    fill($("switches"), state.switches, (item) => {
      const box = node("input", { type: "checkbox", checked: item.on, "data-key": item.name });
      box.addEventListener("change", () => call("/api/switches/" + item.name, { on: box.checked }));
      return node("li", {}, node("label", {}, box, node("span", {}, node("strong", {}, item.label), node("span", {}, item.promise))));
    });
    const lines = one && one.lines.length ? one.lines : [{ empty: "Write something as the visitor, or ask for a person." }];
    const entries = one && one.entries.length ? one.entries : [{ empty: one && one.starting ? "The handoff is starting." : "No conversation yet: the visitor is with the bot." }];
    fill($("chat"), lines, line);
    fill($("thread"), entries, entry);
    const last = one && one.active ? one.lines.filter((item) => item.author !== "bot").at(-1) : null;
    const offers = last && last.author === "agent" ? last.choices || [] : [];
    fill($("choices"), offers, (text) => {
      const button = node("button", { type: "button" }, text);
      button.addEventListener("click", () => call(`/api/chats/${chosen}/say`, { text }));
      return button;
    });
    $("user-sub").textContent = !one ? "" : one.starting ? "waiting for the handoff to start" : one.active
      ? "with " + (one.agentName || "nobody yet: a person is being asked") : "with the bot" + (one.endReason ? " again" : "");
    $("agent-sub").textContent = !one || !one.thread ? "HubSpot conversations"
      : `thread ${one.thread} · ${one.archived ? "archived" : one.status.toLowerCase()} · ${one.assignedTo || "nobody's"}`;
    const open = one && one.thread && one.status === "OPEN" && !one.archived;
    $("handoff").disabled = !one || one.active || one.starting;
    $("bot-stop").disabled = !one || !one.active;
    for (const id of ["assign", "close"]) $(id).disabled = !open;
    $("unassign").disabled = !open || !one.assignedId;
    $("reopen").disabled = !one || !one.thread || one.status !== "CLOSED";
    for (const item of $("reply").elements) item.disabled = !one || !one.thread;
    $("comment").disabled = !one || !one.thread;
    for (const item of $("say").elements) item.disabled = !one;
  }

  function agents() {
    const select = $("agent");
    const mark = JSON.stringify(state.agents);
    if (drawn.get(select) !== mark) {
      drawn.set(select, mark);
      select.replaceChildren(...state.agents.map((agent) => node("option", { value: agent.id }, agent.name)));
    }
    if (!typedAgent && state.chosen && state.chosen.assignedId) select.value = state.chosen.assignedId;
  }

  // -- the timeline

  function row(item) {
    const time = new Date(item.at_ms);
    const stamp = time.toTimeString().slice(0, 8) + "." + String(time.getMilliseconds()).padStart(3, "0");
    const own = item.from === "bridge" && item.to === "bridge";
    const lane = own ? "Demo" : item.from === item.to ? PARTY[item.from] : `${PARTY[item.from]} → ${PARTY[item.to]}`;
    const isCall = item.outcome !== null;
    const kind = own ? "said" : isCall ? (item.level === "ok" ? "call" : "call failed") : "";
    return node("tr", { class: kind },
      node("td", {}, stamp), node("td", { class: "lane" }, lane),
      node("td", {}, item.what, item.detail ? node("span", { class: "detail" }, "  " + item.detail) : null),
      node("td", { class: item.level }, item.outcome || ""),
      node("td", { class: "num" }, item.ms === null || item.ms === undefined ? "" : item.ms.toFixed(1)));
  }

  // A mark is `run-number`: a page that comes back names its last one and shows each entry once.
  function listen() {
    const stream = new EventSource("/events?after=" + encodeURIComponent(mark));
    stream.onopen = () => look();
    stream.onerror = () => {
      bridge("down", "page lost");
      // Browsers try again by themselves unless something else answered in the server's place.
      if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 1000);
    };
    stream.onmessage = (message) => {
      const body = $("timeline");
      const item = JSON.parse(message.data);
      const [run, number] = mark.split("-");
      if (!message.lastEventId.startsWith(run + "-")) body.replaceChildren();
      else if (item.n <= Number(number)) return;
      mark = message.lastEventId;
      body.prepend(row(item));
      if (item.from === "bridge" && item.to === "bridge") {
        $("caption").hidden = false;
        $("caption").textContent = item.what;
      }
      while (body.children.length > MOST_ROWS) body.lastElementChild.remove();
      look();
    };
  }

  // -- what people do

  function compose(form, area, send) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const text = area.value.trim();
      if (!text) return;
      area.value = "";
      if (await send(text) === null && !area.value) area.value = text;
    });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
    });
  }

  function file(input, path) {
    input.addEventListener("change", async () => {
      for (const one of input.files) await call(path() + "name=" + encodeURIComponent(one.name), null, one);
      input.value = "";
    });
  }

  const thread = () => `/api/threads/${state.chosen.thread}`;
  const act = (verb, body) => call(`${thread()}/${verb}`, { agent: $("agent").value, ...body });

  compose($("say"), $("say-text"), (text) => call(`/api/chats/${chosen}/say`, { text }));
  compose($("reply"), $("reply-text"), (text) => {
    const quickReplies = $("replies").value.split(",").map((one) => one.trim()).filter(Boolean);
    $("replies").value = "";
    return act("reply", { text, quickReplies });
  });
  file($("say-file"), () => `/api/chats/${chosen}/upload?`);
  file($("reply-file"), () => `${thread()}/upload?agent=${encodeURIComponent($("agent").value)}&`);
  $("comment").addEventListener("click", async () => {
    const text = $("reply-text").value.trim();
    if (text && await act("comment", { text })) $("reply-text").value = "";
  });
  for (const verb of ["assign", "unassign", "close", "reopen"]) $(verb).addEventListener("click", () => act(verb));
  $("handoff").addEventListener("click", () => call(`/api/chats/${chosen}/handoff`));
  $("bot-stop").addEventListener("click", () => call(`/api/chats/${chosen}/stop`));
  $("crash").addEventListener("click", () => call("/api/crash"));
  $("agent").addEventListener("change", () => { typedAgent = true; });
  $("calls").addEventListener("change", () => $("timeline").classList.toggle("hide-calls", !$("calls").checked));
  $("new-chat").addEventListener("click", async () => {
    const made = await call("/api/chats");
    if (made) { chosen = made.id; refresh(); $("say-text").focus(); }
  });
  $("play").addEventListener("click", async () => {
    const made = await call("/api/play");
    if (made && made.chat) { chosen = made.chat; refresh(); }
  });

  refresh();
  listen();
  setInterval(look, 2000);
})();
