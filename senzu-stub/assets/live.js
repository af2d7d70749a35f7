// Keeps the page true: every two seconds its <main> is replaced if it changed, and where it can't be, the page says so.
// Where scripts don't run, the page's <noscript> refreshes all of it.
"use strict";
const live = document.getElementById("live");
let looking = false;
async function look() {
  if (document.hidden || looking) return;
  if (String(document.getSelection())) {
    live.textContent = "standing still while text is selected: what you see may be old";
    return;
  }
  looking = true;
  try {
    // Longer than any page takes; a Senzu that hangs must not look like one that has no news.
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(5000) });
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
  } finally {
    looking = false;
  }
}
setInterval(look, 2000);
document.addEventListener("visibilitychange", look);
