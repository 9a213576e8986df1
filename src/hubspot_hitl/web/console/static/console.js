"use strict";
// htmx keeps the parts marked `data-live` fresh. This is what it leaves to the page.
(() => {
  // The demo hands its token over in the address's fragment, which no server sees.
  const field = document.getElementById("token");
  if (field && location.hash.startsWith("#token=")) {
    field.value = decodeURIComponent(location.hash.slice(7));
    history.replaceState(null, "", location.pathname + location.search);
    field.form.requestSubmit();
  }

  // On a phone the navigation is a strip that scrolls: show where we are.
  const here = document.querySelector(".top [aria-current]");
  if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 12;

  const part = document.querySelector("[data-live]");
  if (!part) return;
  const on = (name, what) => document.body.addEventListener(name, what);
  const look = () => htmx.trigger(part, "look");
  const stale = (is) => part.classList.toggle("stale", is);
  let missed = false;

  // A page that nobody looks at asks for nothing; it catches up when somebody does.
  on("htmx:beforeRequest", (event) => {
    if (event.detail.elt === part && document.hidden) { missed = true; event.preventDefault(); }
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && missed) { missed = false; look(); } });

  // A lost stream comes back by itself. Asking for the page tells whether the session is over.
  on("htmx:sseError", () => { stale(true); look(); });
  on("htmx:sseOpen", () => stale(false));
  for (const name of ["htmx:sendError", "htmx:responseError"]) on(name, () => stale(true));
  on("htmx:afterOnLoad", () => stale(false));
})();
