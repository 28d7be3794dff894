// Refreshes what has changed on the page while it is in view. Without this script everything can be read all the same.
"use strict";
(() => {
  const EVERY = 3000, SLOWEST = 60000;
  let tag = "", pause = EVERY, timer = 0;

  // Details that a reader has opened stay open, and what has the focus keeps it.
  function put(old, fresh) {
    const open = new Map([...old.querySelectorAll("details[id]")].map((each) => [each.id, each.open]));
    const focused = old.contains(document.activeElement) ? document.activeElement.id || document.activeElement.getAttribute("href") : "";
    const parts = new Map([...old.querySelectorAll("[data-row]")].map((each) => [each.dataset.row, each.textContent]));
    for (const each of fresh.querySelectorAll("details[id]")) if (open.has(each.id)) each.open = open.get(each.id);
    for (const each of fresh.querySelectorAll("[data-row]")) {
      const before = parts.get(each.dataset.row);
      if (before !== undefined && before !== each.textContent) each.classList.add("changed");
    }
    old.replaceChildren(...fresh.childNodes);
    if (focused) {
      const same = [...old.querySelectorAll("a[href], [id]")].find((each) => each.id === focused || each.getAttribute("href") === focused);
      if (same) same.focus({ preventScroll: true });
    }
  }

  function isBusy(part) {
    const selection = document.getSelection();
    return part.querySelector("input:focus, select:focus") || (selection && !selection.isCollapsed && part.contains(selection.anchorNode));
  }

  async function refresh() {
    const response = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store", credentials: "same-origin" });
    if (response.status === 304) return;
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const parts = [...document.querySelectorAll("[data-live]")];
    // What the reader sees stays where it is, whatever grows above it.
    const seen = scrollY > 0 && parts.find((part) => part.offsetHeight && part.getBoundingClientRect().top >= 0);
    const top = seen && seen.getBoundingClientRect().top;
    let isWhole = true;
    for (const part of parts) {
      const fresh = page.getElementById(part.id);
      if (!fresh || fresh.innerHTML === part.innerHTML) continue;
      if (isBusy(part)) isWhole = false;
      else put(part, fresh);
    }
    if (seen) scrollBy({ top: seen.getBoundingClientRect().top - top, behavior: "instant" });
    tag = isWhole ? response.headers.get("ETag") || "" : "";
  }

  async function tick() {
    if (document.visibilityState === "visible") {
      try {
        await refresh();
        pause = EVERY;
        document.body.classList.remove("offline");
      } catch {
        pause = Math.min(SLOWEST, 2 * pause);
        document.body.classList.add("offline");
      }
    }
    timer = setTimeout(tick, pause);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") { clearTimeout(timer); pause = EVERY; tick(); }
  });
  if (document.querySelector("[data-live]")) timer = setTimeout(tick, EVERY);
})();
