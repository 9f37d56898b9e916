// What the chat does under the hand without asking the server: it follows a growing answer, sends, copies, and moves
// the focus. It works on the page's own elements and holds no state of the app.

const NEAR_BOTTOM = 64; // px: whoever is this close to the end wants to stay there
const NEAR_TOP = 160;
const COPIED_MS = 1600;

const wantsFocus = () => matchMedia("(hover: hover) and (pointer: fine)").matches;
// Enter and Escape that end the input of a Japanese or Chinese word. Safari sends them when the word has ended already,
// and tells by the code alone.
const composing = (event) => event.isComposing || event.keyCode === 229;

function followTranscript(box) {
  let sticks = true;
  let anchor = null;
  let anchorTop = 0;
  const place = (element) => element.getBoundingClientRect().top - box.getBoundingClientRect().top;
  // The welcome is read from its top.
  const articles = () => [...box.querySelectorAll("article:not([hidden])")];
  const remember = () => {
    const top = box.getBoundingClientRect().top;
    const shown = articles();
    anchor = shown.find((one) => one.getBoundingClientRect().bottom > top) ?? null;
    anchorTop = anchor ? place(anchor) : 0;
    box.parentElement.dataset.away = String(!sticks && shown.length > 0);
  };
  const settle = () => {
    if (sticks) box.scrollTop = articles().length ? box.scrollHeight : 0;
    else if (anchor?.isConnected) box.scrollTop += place(anchor) - anchorTop;
    remember();
  };
  const onScroll = () => {
    sticks = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_BOTTOM;
    remember();
    const older = chatElement("older-messages");
    if (!sticks && older && !older.disabled && box.scrollTop < NEAR_TOP) older.click();
  };
  const changes = new MutationObserver(settle);
  const sizes = new ResizeObserver(settle);
  changes.observe(box, { childList: true, subtree: true, characterData: true });
  sizes.observe(box);
  box.addEventListener("scroll", onScroll, { passive: true });
  settle();
  return {
    toEnd() {
      sticks = true;
      settle();
    },
    toMessage(element) {
      sticks = false;
      element.scrollIntoView({ block: "center" });
      remember();
    },
    leave() {
      changes.disconnect();
      sizes.disconnect();
      box.removeEventListener("scroll", onScroll);
    },
  };
}

async function copyFrom(button) {
  const text =
    button.dataset.copy === "code"
      ? button.closest("figure").querySelector("code").textContent
      : button.dataset.text;
  const words = button.querySelector("span");
  const before = button.dataset.words ?? words.textContent;
  button.dataset.words = before;
  try {
    await navigator.clipboard.writeText(text);
    words.textContent = "Copied";
    button.dataset.copied = "true";
  } catch {
    // Refused by the browser, or the page is not served securely.
    words.textContent = "Not copied";
  }
  setTimeout(() => {
    words.textContent = before;
    delete button.dataset.copied;
  }, COPIED_MS);
}

let chat = null; // { field, transcript, outbox } of the page that is shown

function askFrom(text, emptied) {
  if (!chat.outbox.ask(text)) return;
  if (emptied) {
    chat.field.value = "";
    chat.outbox.typed();
  }
  chat.transcript.toEnd();
  if (emptied || wantsFocus()) chat.field.focus();
}

function onKey(event) {
  const target = event.target;
  if (composing(event)) return;
  if (target.id === "composer-text") {
    // A screen keyboard has no other way to a new line, and the arrow beside the field sends.
    if (event.key === "Enter" && !event.shiftKey && !matchMedia("(pointer: coarse)").matches) {
      event.preventDefault();
      if (!event.repeat) askFrom(target.value, true);
    }
    return;
  }
  const rename = event.key === "Escape" && target.closest(".chat-rename");
  if (rename) {
    event.preventDefault();
    rename.querySelector("[data-cancel]").click();
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !target.closest("input, textarea, select, dialog, [contenteditable]")) {
    const search = chatElement("conversation-search");
    if (search?.checkVisibility()) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  }
}

const CLICKS = {
  "[data-copy]": (button) => copyFrom(button),
  "[data-ask]": (button) => askFrom(button.dataset.ask, false),
  "#composer-send": () => askFrom(chat.field.value, true),
  "[data-again]": () => chat.outbox.again(),
  "[data-discard]": () => chat.outbox.discard(),
  "[data-rescue]": () => chat.outbox.rescue(),
  "#jump": () => {
    chat.transcript.toEnd();
    if (wantsFocus()) chat.field.focus();
  },
  "#conversations a": () => {
    const sheet = chatElement("conversations");
    if (sheet.matches(":popover-open")) sheet.hidePopover();
  },
  // These go away when they are pressed, and the focus would be nowhere.
  "[data-then-write]": () => wantsFocus() && setTimeout(() => chat?.field.focus()),
};

function onClick(event) {
  for (const [selector, act] of Object.entries(CLICKS)) {
    const found = event.target.closest(selector);
    if (found) act(found);
  }
}

const onInput = (event) => event.target.id === "composer-text" && chat.outbox.typed();
const onFocus = (event) => event.target.matches?.(".chat-rename input") && event.target.select();

// What was typed before this script: React, which came later, takes it for the field's own text and tells nobody.
function heed(search) {
  if (!search?.value) return;
  search._valueTracker?.setValue("");
  search.dispatchEvent(new Event("input", { bubbles: true }));
}

export function chatBehaviour() {
  const field = chatElement("composer-text");
  const shown = { field, transcript: followTranscript(chatElement("transcript")), outbox: chatOutbox(field) };
  chat = shown;
  const coarse = matchMedia("(pointer: coarse)").matches;
  field.enterKeyHint = coarse ? "enter" : "send";
  const listeners = { keydown: onKey, input: onInput, focusin: onFocus, click: onClick };
  for (const [event, listener] of Object.entries(listeners)) document.addEventListener(event, listener);
  // Enter in the field that was there before this script: it could only make a line.
  if (!coarse && field.value.endsWith("\n")) askFrom(field.value, true);
  heed(chatElement("conversation-search"));
  return () => {
    shown.transcript.leave();
    shown.outbox.leave();
    for (const [event, listener] of Object.entries(listeners)) document.removeEventListener(event, listener);
  };
}

// The page turned to another state of things; `page` is what of it matters here.
export function chatChanged(page) {
  chat.outbox.changed(page);
}

// Another conversation is shown: begin at its end, ready to write.
export function chatOpened() {
  chat.transcript.toEnd();
  // The heading has the focus after a navigation; whoever opens a conversation goes on to write.
  const nowhere = document.activeElement === document.body || document.activeElement?.closest("#conversations a, main, h1");
  if (wantsFocus() && nowhere) chat.field.focus({ preventScroll: true });
}

// A search led to a message: show it.
export function chatFound(id) {
  const element = id && chatElement(`message-${id}`);
  if (!element) return;
  chat.transcript.toMessage(element);
  element.dataset.found = "true";
  setTimeout(() => delete element.dataset.found, 4000);
}

// The list shows what this search found, also after another page or a reload: the field says so. It is set here since
// React takes no notice of a field emptied whose first text came later than the field.
export function chatSearched(query) {
  const search = chatElement("conversation-search");
  if (document.activeElement !== search) search.value = query;
}

// Until the page knows the conversation in the address, it holds the title of the one before.
export function chatTitle(title, conversation) {
  const here = location.pathname.split("/")[2] ?? "";
  document.title = `${(here === conversation && title) || "Chat"} · OCSuite`;
}
