// What every page does in the browser, because it has to happen in the frame of a click or while no server is asked:
// forms are sent once, dialogs close and ask first, times age, and the focus follows navigation. It works on marks that
// components leave in the page (`frontend/kit`) and holds no state of the app.

const AGE_MS = 30000;
const ANSWER_MS = 15000; // a form whose answer got lost can be sent again; its key makes that harmless
// Seconds of a unit and of the next smaller one; the words are those of `frontend/words.py`.
const SPANS = [[86400, 3600, "day"], [3600, 60, "hour"], [60, 1, "minute"]];

function age(seconds) {
  const past = seconds >= 0;
  const size = Math.abs(seconds);
  for (const [span, smaller, word] of SPANS) {
    if (size + (past ? 0 : smaller / 2) < span) continue;
    const count = Math.floor(past ? size / span : size / span + 0.5);
    const words = `${count} ${word}${count === 1 ? "" : "s"}`;
    return past ? `${words} ago` : `in ${words}`;
  }
  return past ? "just now" : "in a moment";
}

function reword() {
  for (const time of document.querySelectorAll("time[data-ages]")) {
    const words = age((Date.now() - Date.parse(time.dateTime)) / 1000);
    const text = time.firstChild;
    if (text && time.dateTime && text.nodeValue !== words) text.nodeValue = words;
  }
}

const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function release(form) {
  clearTimeout(Number(form.dataset.waits));
  const lostFocus = document.activeElement === document.body;
  for (const button of form.querySelectorAll("button[data-sent]")) {
    button.disabled = false;
    delete button.dataset.sent;
    if (lostFocus && form.checkVisibility()) button.focus();
  }
  delete form.dataset.sending;
  delete form.dataset.hurried;
}

// Enter before the server's first word, until which no button sends: the form is sent once its button does.
function hurried(event) {
  if (event.key !== "Enter" || event.isComposing || !event.target.matches?.("input")) return;
  const button = [...(event.target.form?.elements ?? [])].find((one) => one.type === "submit");
  if (button?.matches(":disabled:not([data-sent], [aria-busy=true])")) button.form.dataset.hurried = "true";
}

function sendHurried(button) {
  if (button.disabled || !button.form?.dataset.hurried) return;
  delete button.form.dataset.hurried;
  button.form.requestSubmit(button);
}

// A press on a button that sends leaves the focus where it is. Whoever leaves a field is told something below it, which
// would move the button away between the press and its release, and nothing would be sent.
function pressedToSend(event) {
  if (event.target.closest("button[type=submit]")) event.preventDefault();
}

// On the way down: before React's own listener, which sends the form.
function sendOnce(event) {
  const form = event.target;
  if (!form.matches("form[data-once]")) return;
  if (form.dataset.sending) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  const key = form.querySelector("input[data-key]");
  if (key && !key.value) key.value = newKey();
  form.dataset.sending = "true";
  form.dataset.waits = setTimeout(() => release(form), ANSWER_MS);
  for (const button of form.querySelectorAll("button[type=submit]:not(:disabled)")) {
    button.disabled = true;
    button.dataset.sent = "true";
  }
}

function typed(event) {
  const form = event.target.form;
  if (form) delete form.dataset.hurried;
  const key = form?.matches("[data-once]:not([data-sending])") && form.querySelector("input[data-key]");
  if (key) key.value = "";
  if (event.target.form?.matches("[data-guarded]")) event.target.form.dataset.typed = "true";
  const dialog = event.target.closest("dialog");
  if (dialog) dialog.dataset.typed = "true";
}

// The server has said its first word, that a form's work is over, why it was refused, or what a dialog is about.
function answered(changes) {
  for (const { target, attributeName } of changes) {
    if (attributeName === "data-once-done") finish(target);
    else if (attributeName === "disabled") sendHurried(target);
    else if (attributeName === "data-about" && target.matches("dialog[open] > *")) showWhenReady(target.parentElement);
  }
  for (const { target, attributeName } of changes) if (attributeName === "data-once-answers") release(target);
}

function finish(form) {
  const key = form.querySelector("input[data-key]");
  if (!key) return; // the element has become another form meanwhile
  key.value = "";
  // One that was closed meanwhile, and opened for something else, stays open.
  if (form.dataset.sending) form.closest("dialog[open]")?.close();
}

function showWhenReady(dialog) {
  const waited = "waiting" in dialog.dataset;
  const waits = dialog.querySelector(".dialog-content").dataset.about !== dialog.dataset.about;
  dialog.toggleAttribute("data-waiting", waits);
  if (waited && !waits) dialog.querySelector("[autofocus]")?.focus();
}

function open(dialog, about) {
  dialog.dataset.about = about;
  showWhenReady(dialog);
  dialog.showModal();
}

function close(dialog) {
  if (dialog.dataset.typed && !dialog.dataset.asking) {
    dialog.dataset.asking = "true";
    dialog.querySelector("[data-keep]").focus();
  } else {
    dialog.close();
  }
}

function keepTyping(dialog) {
  delete dialog.dataset.asking;
  dialog.querySelector("[autofocus], input:not([type=hidden])")?.focus();
}

function closed(event) {
  const dialog = event.target;
  if (!dialog.matches?.("dialog")) return;
  delete dialog.dataset.typed;
  delete dialog.dataset.asking;
  for (const form of dialog.querySelectorAll("form")) {
    form.reset();
    release(form);
    for (const key of form.querySelectorAll("input[data-key]")) key.value = "";
  }
}

function pressed(event) {
  const target = event.target;
  // The second click of a double click is none: the answer to the first may have come already.
  if (event.detail > 1 && target.closest("form[data-once] button[type=submit]")) event.preventDefault();
  const opener = target.closest("[data-opens]");
  if (opener) open(document.getElementById(opener.dataset.opens), opener.dataset.opensAbout);
  const dialog = target.closest("dialog");
  if (dialog && target.closest("[data-keep]")) keepTyping(dialog);
  else if (dialog && target.closest("[data-close]")) close(dialog);
  if (target.closest(".skip-link")) {
    event.preventDefault();
    document.querySelector("main").focus();
  }
}

function escaped(event) {
  const dialog = event.key === "Escape" && event.target.closest?.("dialog[data-typed]");
  if (!dialog || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  if (dialog.dataset.asking) keepTyping(dialog);
  else close(dialog);
}

export function pageBehaviour() {
  const observer = new MutationObserver(answered);
  observer.observe(document.body, {
    subtree: true,
    attributeFilter: ["data-once-answers", "data-once-done", "data-about", "disabled"],
  });
  const clock = setInterval(reword, AGE_MS);
  const heard = [
    ["submit", sendOnce, true],
    ["input", typed, false],
    ["mousedown", pressedToSend, true],
    ["click", pressed, true],
    ["close", closed, true],
    ["keydown", escaped, true],
    ["keydown", hurried, true],
    ["visibilitychange", reword, false],
  ];
  for (const one of heard) document.addEventListener(...one);
  return () => {
    observer.disconnect();
    clearInterval(clock);
    for (const one of heard) document.removeEventListener(...one);
  };
}

// Another page is shown: say so, and go on from its heading, unless somebody is writing already.
export function pageEntered(before, path) {
  if (before === null || before === path) return;
  const heading = document.querySelector("main h1, h1, main");
  const writing = document.activeElement?.matches("input, textarea, select, [contenteditable]");
  if (heading && !writing) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
  const said = document.getElementById("page-announcer");
  if (said) said.textContent = document.title;
}
