// Keeps the page true: every two seconds its <main> is replaced if it changed, and where it can't be, the page says so.
// Where scripts don't run, the page's <noscript> refreshes all of it. And the key / goes to the search field.
"use strict";
const live = document.getElementById("live");
let looking = false;

// Whether somebody is about to send a form: what was typed must not go away.
function isTyping() {
  return [...document.querySelectorAll("main input, main textarea, main select")].some((field) => {
    if (field.type === "hidden") return false;
    if (field === document.activeElement) return true;
    if (field.tagName === "SELECT") return [...field.options].some((o, at) => o.selected !== (o.defaultSelected || (at === 0 && ![...field.options].some((p) => p.defaultSelected))));
    return field.value !== field.defaultValue;
  });
}

// A drawing that is wider than the screen shows the bean that the asset stands at.
const standsAt = () => document.querySelector(".dag .here:not(.holds)");
const standsAtName = () => standsAt()?.querySelector(".name").textContent;
function showWhereItStands() {
  const bean = standsAt();
  if (!bean) return;
  const drawing = bean.closest(".drawing"), at = bean.getBoundingClientRect(), seen = drawing.getBoundingClientRect();
  drawing.scrollLeft += at.left + at.width / 2 - seen.left - seen.width / 2;
}

async function look() {
  if (document.hidden || looking) return;
  if (String(document.getSelection())) {
    live.textContent = "standing still while text is selected: what you see may be old";
    return;
  }
  if (isTyping()) {
    live.textContent = "standing still while you fill in a form: what you see may be old";
    return;
  }
  looking = true;
  try {
    // Longer than any page takes; a Senzu that hangs must not look like one that has no news.
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.querySelector("main"), then = document.querySelector("main");
    if (now && now.innerHTML !== then.innerHTML && !isTyping()) {
      const focused = document.activeElement;
      const at = focused && focused.getAttribute("href");
      const stood = standsAtName();
      const scrolled = [...then.querySelectorAll(".drawing")].map((drawing) => drawing.scrollLeft);
      then.replaceWith(document.adoptNode(now));
      document.title = page.title;
      [...now.querySelectorAll(".drawing")].forEach((drawing, number) => { drawing.scrollLeft = scrolled[number] || 0; });
      if (standsAtName() !== stood) showWhereItStands();
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
showWhereItStands();
setInterval(look, 2000);
document.addEventListener("visibilitychange", look);
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.querySelector("header input[type=search]").focus();
  }
});
