// What the chat does under the hand without asking the server: it follows a growing answer, grows and empties the
// composer, copies, and moves the focus. It works on the page's own elements and holds no state of the app.

const NEAR_BOTTOM = 64; // px: whoever is this close to the end wants to stay there
const NEAR_TOP = 160;
const COPIED_MS = 1600;
const FIRST_WARNING = 14500;
const LIMIT = 16000;
const HANDOVER_MS = 2000;

// What was being typed while the address changed from /chat to /chat/{id}, which builds the page anew. Both pages have
// a copy of this file, so that the draft cannot be kept in it.
const chatDraft = (globalThis.ocsuiteChatDraft ??= { text: "", at: -Infinity });

const chatElement = (id) => document.getElementById(id);
const wantsFocus = () => matchMedia("(hover: hover) and (pointer: fine)").matches;

function followTranscript(box) {
  let sticks = true;
  let anchor = null;
  let anchorTop = 0;
  const place = (element) => element.getBoundingClientRect().top - box.getBoundingClientRect().top;
  const remember = () => {
    const top = box.getBoundingClientRect().top;
    anchor = [...box.querySelectorAll("article")].find((one) => one.getBoundingClientRect().bottom > top) ?? null;
    anchorTop = anchor ? place(anchor) : 0;
    box.parentElement.dataset.away = String(!sticks);
  };
  const settle = () => {
    if (sticks) box.scrollTop = box.scrollHeight;
    else if (anchor?.isConnected) box.scrollTop += place(anchor) - anchorTop;
    remember();
  };
  const onScroll = () => {
    sticks = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_BOTTOM;
    remember();
    const older = chatElement("older-messages");
    if (!sticks && older && !older.disabled && box.scrollTop < NEAR_TOP) older.click();
  };
  const toEnd = () => {
    sticks = true;
    settle();
  };
  const changes = new MutationObserver(settle);
  const sizes = new ResizeObserver(settle);
  changes.observe(box, { childList: true, subtree: true, characterData: true });
  sizes.observe(box);
  box.addEventListener("scroll", onScroll, { passive: true });
  settle();
  return {
    toEnd,
    leave: () => {
      changes.disconnect();
      sizes.disconnect();
      box.removeEventListener("scroll", onScroll);
    },
  };
}

function refreshComposer() {
  const field = chatElement("composer-text");
  if (!field) return;
  const length = field.value.length < FIRST_WARNING ? field.value.length : [...field.value].length;
  const send = chatElement("composer-send");
  if (send) send.disabled = !field.value.trim() || length > LIMIT;
  const count = chatElement("composer-count");
  const left = LIMIT - length;
  count.textContent =
    length < FIRST_WARNING ? "" : left < 0 ? `${-left} characters too many` : `${left} characters left`;
  count.dataset.over = String(left < 0);
  if (!CSS.supports("field-sizing", "content")) {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  }
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

export function chatBehaviour() {
  const transcript = followTranscript(chatElement("transcript"));
  const field = chatElement("composer-text");
  if (performance.now() - chatDraft.at < HANDOVER_MS) field.value = chatDraft.text;
  refreshComposer();

  const onKey = (event) => {
    const target = event.target;
    if (target.id === "composer-text") {
      // `isComposing`: Enter that ends the input of a Japanese or Chinese word sends nothing.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        const send = chatElement("composer-send");
        if (!event.repeat && send && !send.disabled && target.form.dataset.busy !== "true") target.form.requestSubmit();
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
  };
  const onInput = (event) => event.target.id === "composer-text" && refreshComposer();
  const onFocus = (event) => event.target.matches?.(".chat-rename input") && event.target.select();
  const onReset = (event) => {
    if (event.target.id !== "composer") return;
    // The event comes before the fields are emptied.
    setTimeout(refreshComposer);
    transcript.toEnd();
    field.focus();
  };
  const onClick = (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) copyFrom(copy);
    if (event.target.closest("#jump")) {
      transcript.toEnd();
      if (wantsFocus()) field.focus();
    }
    if (event.target.closest("#conversations a")) {
      const sheet = chatElement("conversations");
      if (sheet.matches(":popover-open")) sheet.hidePopover();
    }
    // These go away when they are pressed, and the focus would be nowhere.
    if (event.target.closest("[data-then-write]") && wantsFocus()) setTimeout(() => field.focus());
  };
  document.addEventListener("keydown", onKey);
  document.addEventListener("input", onInput);
  document.addEventListener("focusin", onFocus);
  document.addEventListener("reset", onReset);
  document.addEventListener("click", onClick);
  return () => {
    Object.assign(chatDraft, { text: field.value, at: performance.now() });
    transcript.leave();
    document.removeEventListener("keydown", onKey);
    document.removeEventListener("input", onInput);
    document.removeEventListener("focusin", onFocus);
    document.removeEventListener("reset", onReset);
    document.removeEventListener("click", onClick);
  };
}

// Another conversation is shown: begin at its end, ready to write.
export function chatOpened() {
  const box = chatElement("transcript");
  if (box) box.scrollTop = box.scrollHeight;
  const nowhere = document.activeElement === document.body || document.activeElement?.closest("#conversations a, main");
  if (wantsFocus() && nowhere) chatElement("composer-text")?.focus({ preventScroll: true });
}
