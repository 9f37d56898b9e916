// Nothing typed is lost: drafts, and the one question of a conversation that is on its way, are kept in this browser
// until the service has them. A question is shown at once and sent under one key however often, so that it is asked
// once. Names hold the account and the company: nobody else who uses this browser meets them.

const LIMIT = 16000; // characters, as the API counts them
const FRESH_MS = 10 * 60_000; // an older question is not sent by itself when somebody comes back to it
const KEY_MS = 20 * 3600_000; // the API knows a key for a day; an older question becomes a draft again
const KEEP_MS = 30 * 86_400_000;
const KEEP_MOST = 60;
const SLOW_MS = 4000;
const AGAIN_MS = [5000, 10_000, 20_000, 40_000];
const LOOK_MS = 20_000;
const IDLE_MS = 10 * 60_000; // whoever is away must not look as if they were there

const chatElement = (id) => document.getElementById(id);
const characters = (text) => [...text].length;
// `crypto.randomUUID` is there on secure pages only.
const randomKey = () => crypto.getRandomValues(new Uint32Array(5)).join("-");

function stored(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}

// An empty text is not worth keeping. A browser that stores nothing still sends.
function store(name, value) {
  try {
    if (value?.text) localStorage.setItem(name, JSON.stringify({ at: Date.now(), ...value }));
    else localStorage.removeItem(name);
  } catch {}
}

const storedNames = (start) => Object.keys(localStorage).filter((name) => name.startsWith(start));

function forgetTheOldest() {
  const found = ["ocsuite_draft:", "ocsuite_unsent:"].flatMap(storedNames);
  const aged = found.map((name) => [stored(name)?.at ?? 0, name]).sort(([one], [other]) => other - one);
  for (const [index, [at, name]] of aged.entries())
    if (index >= KEEP_MOST || Date.now() - at > KEEP_MS) store(name, null);
}

const joined = (...texts) => texts.filter((text) => text && text.trim()).join("\n");

export function chatOutbox(field) {
  let page = { conversation: "" };
  let unsent = null; // { key, text, at }
  let sending = { key: "", times: 0, next: 0 };
  let shown = ""; // whose text is in the field
  let looked = Date.now();
  let touched = Date.now();

  const name = (kind, of = page) =>
    of.user && of.company ? `ocsuite_${kind}:${of.user}:${of.company}:${of.conversation || "new"}` : "";
  const keep = (kind, value, of = page) => name(kind, of) && store(name(kind, of), value);
  const offline = () => !navigator.onLine || page.connected === false;

  function stateOf(question) {
    if (page.refused === question.key) return "refused";
    if (offline()) return "offline";
    if (sending.key !== question.key) return Date.now() - question.at > FRESH_MS ? "kept" : "sending";
    return Date.now() - sending.since > SLOW_MS ? "waiting" : "sending";
  }

  function paint() {
    const bubble = chatElement("unsent");
    bubble.hidden = !unsent || page.missing;
    const text = chatElement("unsent-text");
    if (text.textContent !== (unsent?.text ?? "")) text.textContent = unsent?.text ?? "";
    if (unsent && bubble.dataset.state !== stateOf(unsent)) bubble.dataset.state = stateOf(unsent);
    const again = chatElement("unsent-again");
    if (again) again.hidden = Boolean(page.until) && Date.now() < Date.parse(page.until);
    chatElement("composer").dataset.offline = String(offline());
    for (const time of document.querySelectorAll("time[data-local]:empty"))
      time.textContent = new Date(time.dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const rescued = chatElement("rescued-text");
    if (rescued) {
      rescued.textContent = joined(unsent?.text, field.value);
      rescued.hidden = !rescued.textContent;
    }
    refresh();
  }

  function refresh() {
    const length = field.value.length < LIMIT * 0.9 ? field.value.length : characters(field.value);
    chatElement("composer-send").disabled = !field.value.trim() || length > LIMIT || Boolean(unsent);
    const count = chatElement("composer-count");
    const left = LIMIT - length;
    const words = left < 0 ? `${-left} characters too many` : left < LIMIT * 0.1 ? `${left} characters left` : "";
    if (count.textContent !== words) count.textContent = words;
    count.dataset.over = String(left < 0);
    if (!CSS.supports("field-sizing", "content")) {
      field.style.height = "auto";
      field.style.height = `${field.scrollHeight}px`;
    }
  }

  function flush({ asked = false } = {}) {
    if (!unsent || !page.ready || page.busy || offline()) return;
    const state = stateOf(unsent);
    if (!asked && (state === "refused" || state === "kept")) return;
    if (!asked && sending.key === unsent.key && Date.now() < sending.next) return;
    const times = sending.key === unsent.key ? sending.times : 0;
    const since = asked || !times ? Date.now() : sending.since;
    sending = { key: unsent.key, times: times + 1, since, next: Date.now() + (AGAIN_MS[times] ?? AGAIN_MS.at(-1)) };
    const form = chatElement("outbox");
    form.elements.key.value = unsent.key;
    form.elements.message.value = unsent.text;
    form.elements.conversation.value = page.conversation;
    form.requestSubmit();
  }

  function tick() {
    flush();
    paint();
    const since = Date.now() - looked;
    if (document.visibilityState === "visible" && since > LOOK_MS && Date.now() - touched < IDLE_MS) look();
  }

  function look() {
    if (!page.ready || page.busy || offline()) return;
    looked = Date.now();
    chatElement("chat-look").click();
  }

  // The text of a conversation that is shown, which may have been typed before anybody knew whose it is.
  function takeUp(typed) {
    const question = stored(name("unsent"));
    const draft = stored(name("draft"))?.text;
    const late = question && Date.now() - question.at > KEY_MS;
    if (unsent && question) typed = joined(unsent.text, typed);
    if (question) unsent = late ? null : question;
    if (late) keep("unsent", null);
    else if (unsent) keep("unsent", unsent);
    field.value = joined(late ? question.text : "", draft, typed);
    keep("draft", { text: field.value });
  }

  function acknowledge(key) {
    for (const one of storedNames(`ocsuite_unsent:${page.user}:`)) if (stored(one)?.key === key) store(one, null);
    if (unsent?.key === key) unsent = null;
  }

  const onStorage = ({ key, newValue }) => {
    if (!page.user || newValue || !key?.startsWith(`ocsuite_unsent:${page.user}:`)) return;
    // Another tab's question has arrived.
    if (key === name("unsent")) unsent = null;
    look();
  };
  const onVisible = () => document.visibilityState === "visible" && look();
  const onTouch = () => (touched = Date.now());
  const listeners = [
    [window, "storage", onStorage],
    [window, "online", tick],
    [window, "offline", tick],
    [document, "visibilitychange", onVisible],
    [document, "pointermove", onTouch],
    [document, "keydown", onTouch],
  ];
  for (const [target, event, listener] of listeners) target.addEventListener(event, listener);
  const clock = setInterval(tick, 1000);
  forgetTheOldest();

  return {
    changed(next) {
      const before = page;
      const answered = unsent?.key === next.acknowledged;
      page = next;
      if (next.acknowledged) acknowledge(next.acknowledged);
      if (name("draft") && name("draft") !== shown) {
        if (answered && before.conversation === "") {
          keep("draft", null, before);
          keep("draft", { text: field.value });
        } else {
          if (shown) unsent = null;
          takeUp(shown ? "" : field.value);
        }
        shown = name("draft");
      }
      tick();
    },
    typed() {
      keep("draft", { text: field.value });
      refresh();
    },
    // Shows a question and sends it as soon as that can be done; false if there is one on its way.
    ask(text) {
      const question = text.trim();
      if (!question || unsent || page.busy || page.barred || characters(question) > LIMIT) return false;
      unsent = { key: randomKey(), text: question, at: Date.now() };
      keep("unsent", unsent);
      tick();
      return true;
    },
    again() {
      flush({ asked: true });
      paint();
    },
    discard() {
      unsent = null;
      keep("unsent", null);
      paint();
    },
    // The conversation is gone: its texts become the draft of a new one.
    rescue() {
      const fresh = { ...page, conversation: "" };
      keep("draft", { text: joined(stored(name("draft", fresh))?.text, unsent?.text, field.value) }, fresh);
      keep("draft", null);
      keep("unsent", null);
      unsent = null;
      field.value = "";
    },
    leave() {
      clearInterval(clock);
      for (const [target, event, listener] of listeners) target.removeEventListener(event, listener);
    },
  };
}
