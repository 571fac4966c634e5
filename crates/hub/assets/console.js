// Live updates, and nothing else: every page works without this file.
// <body data-live="ADDRESS">: the server says `changed` there and no more. The page then asks for itself again and takes
// over what is new: each element that has an id and `data-part`. What somebody points at or types in is left alone until
// they go elsewhere.
(() => {
  const address = document.body.dataset.live;
  if (!address || !window.EventSource) return;
  const told = document.getElementById("live");
  const lost = document.getElementById("lost");
  const mark = document.querySelector("link[rel=icon]");
  const clock = () => new Date().toTimeString().slice(0, 8);
  let since = clock(), asking = false, again = false, used = false, source, soon;
  const say = (on) => {
    if (!told) return;
    told.classList.toggle("live--off", !on);
    told.textContent = on ? `Live, ${since}` : `Not live since ${since}`;
    if (on) lost?.replaceChildren();
  };
  // A page may have made room for another: what is told is that nobody answers.
  const ask = async () => {
    try { await fetch(mark.href, { method: "HEAD", cache: "no-store" }); } catch {
      if (!lost || lost.firstChild || source.readyState === EventSource.OPEN) return;
      const [notice, words] = ["div", "p"].map((name) => document.createElement(name));
      notice.className = "notice is-unknown";
      words.textContent = `The hub doesn’t answer: it may be starting again. This is how things stood at ${since}; the page goes on by itself. Need someone now? Ring the school’s office.`;
      notice.append(words);
      lost.append(notice);
    }
  };
  for (const sign of ["pointerdown", "keydown"]) addEventListener(sign, () => { used = true; }, { passive: true });
  const busy = (part) => part.contains(document.activeElement) || part.matches(":hover") && part.dataset.part === "hold";
  const swap = (old, fresh) => {
    if (!fresh) { if (!busy(old)) old.remove(); return true; }
    if (old.outerHTML === fresh.outerHTML) return true;
    if (busy(old)) return false;
    const before = new Map([...old.querySelectorAll("[data-key]")].map((row) => [row.dataset.key, row.textContent]));
    for (const row of fresh.querySelectorAll("[data-key]")) {
      if (before.get(row.dataset.key) !== row.textContent) row.classList.add("is-new");
    }
    const open = new Set([...old.querySelectorAll("details[id][open]")].map((one) => one.id));
    for (const one of fresh.querySelectorAll("details[id]")) if (open.has(one.id)) one.open = true;
    old.replaceWith(fresh);
    return true;
  };
  const refresh = async () => {
    if (asking) { again = true; return; }
    asking = true;
    try {
      const headers = used ? { "x-in-use": "1" } : {};
      used = false;
      const answer = await fetch(location.href, { headers, credentials: "same-origin", redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 404) { location.reload(); return; }
      if (!answer.ok) throw new Error("not now");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      let whole = true;
      for (const old of document.querySelectorAll("[data-part][id]")) {
        whole = swap(old, page.getElementById(old.id)) && whole;
      }
      if (!whole) { clearTimeout(soon); soon = setTimeout(refresh, 2000); }
      since = clock();
      say(true);
    } catch { say(false); }
    asking = false;
    if (again) { again = false; refresh(); }
  };
  const listen = () => {
    source = new EventSource(address);
    // What changed between the page's making and now was told to nobody here.
    source.addEventListener("open", refresh);
    source.addEventListener("changed", refresh);
    source.addEventListener("error", () => {
      say(false);
      ask();
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 10000);
    });
  };
  addEventListener("pagehide", () => source && source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) { refresh(); listen(); } });
  listen();
})();
