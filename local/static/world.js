// Parts marked data-refresh are loaded again each second while the page is looked at; the clock ticks on between loads.
"use strict";

for (const part of document.querySelectorAll("[data-refresh]")) {
  const scrolls = "end" in part.dataset;
  const toEnd = () => { if (scrolls) part.scrollTop = part.scrollHeight; };
  let shown = "";
  const look = async () => {
    if (!document.hidden && !part.contains(document.activeElement.closest("button, a"))) {
      try {
        const answer = await fetch(part.dataset.refresh);
        const text = answer.ok ? await answer.text() : shown;
        if (text !== shown) { part.innerHTML = text; toEnd(); }
        shown = text;
      } catch { /* the city is being restarted */ }
    }
    setTimeout(look, 1000);
  };
  toEnd();
  look();
}

const clock = document.querySelector("[data-clock]");
if (clock) {
  const zone = clock.parentElement.querySelector("span").textContent;
  const ahead = Date.parse(clock.dateTime) - Date.now();
  const words = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, weekday: "short", day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  const tick = () => {
    const part = Object.fromEntries(words.formatToParts(Date.now() + ahead).map(({ type, value }) => [type, value]));
    clock.textContent = `${part.weekday} ${part.day} ${part.month} ${part.year}, ${part.hour}:${part.minute}:${part.second}`;
  };
  setInterval(tick, 1000);
  tick();
}
