// Keeps the page true: every two seconds its <main> is replaced if it changed. Where scripts don't run, the page's
// <noscript> refreshes all of it.
"use strict";
const live = document.getElementById("live");
async function look() {
  if (document.hidden || String(document.getSelection())) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.querySelector("main"), then = document.querySelector("main");
    if (now && now.innerHTML !== then.innerHTML) {
      const at = document.activeElement && document.activeElement.getAttribute("href");
      then.replaceWith(document.adoptNode(now));
      document.title = page.title;
      const again = at && [...document.querySelectorAll("main a")].find((a) => a.getAttribute("href") === at);
      if (again) again.focus({ preventScroll: true });
    }
    live.textContent = "";
  } catch {
    live.textContent = "Senzu does not answer: what you see is old";
  }
}
setInterval(look, 2000);
