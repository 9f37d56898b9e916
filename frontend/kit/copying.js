// Copies the text of the field or code that a button names in `data-copies`. It works on the page's own elements and
// holds no state of the app; the button shows the word that belongs to `data-copied`.

const COPIED_MS = 2400;

export function copying() {
  const onClick = async (event) => {
    const button = event.target.closest?.("[data-copies]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      button.dataset.copied = "yes";
    } catch {
      // Refused by the browser, or the page is not served securely: selected, it is one keystroke away.
      if (source.select) source.select();
      else getSelection().selectAllChildren(source);
      button.dataset.copied = "no";
    }
    setTimeout(() => delete button.dataset.copied, COPIED_MS);
  };
  document.addEventListener("click", onClick);
  return () => document.removeEventListener("click", onClick);
}
