"use strict";
// Keeps the parts marked `data-live` fresh. Without this script the pages are the same, only still.
(() => {
  const base = document.body.dataset.base;

  // The demo hands its token over in the address's fragment, which no server sees.
  const field = document.getElementById("token");
  if (field && location.hash.startsWith("#token=")) {
    field.value = decodeURIComponent(location.hash.slice(7));
    history.replaceState(null, "", location.pathname + location.search);
    field.form.requestSubmit();
  }

  const parts = [...document.querySelectorAll("[data-live]")];
  if (!parts.length) return;
  let busy = false;
  let again = false;

  async function fresh() {
    if (document.hidden || busy) { again = true; return; }
    busy = true;
    try {
      const response = await fetch(location.href, { headers: { "X-Live": "1" } });
      if (response.redirected) return location.reload();
      if (!response.ok) throw new Error(response.statusText);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const part of parts) {
        const other = page.getElementById(part.id);
        if (!other || other.innerHTML === part.innerHTML) continue;
        // A person who is at work in this part is not disturbed.
        if (part.contains(document.activeElement) && document.activeElement.tagName !== "DIV") { again = true; continue; }
        part.replaceChildren(...other.childNodes);
      }
      stale(false);
    } catch {
      stale(true);
    } finally {
      busy = false;
    }
  }

  function stale(is) {
    for (const part of parts) part.classList.toggle("stale", is);
  }

  const stream = new EventSource(`${base}/events?seen=${document.body.dataset.seen}`);
  stream.onmessage = () => { again = false; fresh(); };
  stream.onopen = () => stale(false);
  stream.onerror = () => {
    stale(true);
    // A session that has run out is answered with 401, after which browsers do not try again.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden && again) { again = false; fresh(); } });
})();
