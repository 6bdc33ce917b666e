"use strict";
// Keys, the blur that is lifted only while something is held down, and the reminder. Without it the forms work as they are.
(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  root.classList.add("scripted");
  const isRightToLeft = root.dir === "rtl";
  const veils = [...document.querySelectorAll(".veil")];
  const grid = document.querySelector(".grid");
  const form = byId("decide");

  // Pictures are seen while a key or button is down, both sides of a match at once, and no longer.
  let held = null;
  const hide = () => {
    held?.classList.remove("held");
    held = null;
  };
  const show = (veil) => {
    hide();
    held = veil?.closest(".cell, .pair") ?? null;
    held?.classList.add("held");
  };
  const inFocus = () => document.activeElement?.closest?.(".cell, .pair")?.querySelector(".veil") ?? veils[0];
  document.addEventListener("pointerdown", (event) => {
    const veil = event.target.closest?.(".veil");
    hide();
    if (veil && event.button === 0) {
      event.preventDefault();
      veil.focus();
      show(veil);
    }
  });
  for (const name of ["pointerup", "pointercancel", "keyup", "visibilitychange", "contextmenu", "scroll", "submit"]) {
    document.addEventListener(name, hide, true);
  }
  window.addEventListener("blur", hide);
  window.addEventListener("pagehide", hide);

  // How strong the blur is, and whether there is colour, is kept for this browser.
  const keep = (name, value) => {
    try { localStorage.setItem(name, value); } catch { /* not kept then */ }
  };
  const kept = (name) => {
    try { return localStorage.getItem(name); } catch { return null; }
  };
  const blur = byId("blur");
  const setBlur = (value) => {
    blur.value = value;
    root.style.setProperty("--blur", `${blur.value}px`);
    keep("blur", blur.value);
  };
  setBlur(kept("blur") ?? blur.value);
  blur.addEventListener("input", () => setBlur(blur.value));
  // Grey at the beginning of each visit: colour is a choice that one has to make again.
  const colour = byId("colour");
  const setColour = (on) => {
    root.classList.toggle("coloured", on);
    colour.setAttribute("aria-pressed", String(on));
    try { sessionStorage.setItem("colour", on ? "1" : ""); } catch { /* not kept then */ }
  };
  try { setColour(sessionStorage.getItem("colour") === "1"); } catch { setColour(false); }
  colour.addEventListener("click", () => setColour(!root.classList.contains("coloured")));

  // Why there is no picture.
  const explain = async (image) => {
    const veil = image.closest(".veil");
    veil.classList.add("empty");
    const place = veil.parentElement.querySelector(".why");
    const answer = await fetch(veil.closest("[data-why]").dataset.why).catch(() => null);
    if (place && answer?.ok) {
      place.textContent = (await answer.text()).trim();
      place.hidden = false;
    }
  };
  for (const veil of veils) {
    const image = veil.querySelector("img");
    if (!image) continue;
    image.addEventListener("error", () => explain(image));
    if (image.complete && !image.naturalWidth && image.getAttribute("loading") !== "lazy") explain(image);
  }

  const help = byId("help");
  byId("help-button").addEventListener("click", () => help.showModal());

  const pause = byId("pause");
  if (pause) {
    const due = Number(pause.dataset.due);
    if (due > 0) setTimeout(() => { pause.hidden = false; }, Math.min(due * 1000, 2 ** 31 - 1));
  }

  // One decision is sent once.
  let isSent = false;
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (isSent) event.preventDefault();
    isSent = true;
  });
  window.addEventListener("pageshow", () => { isSent = false; });

  const choose = (cell, on) => {
    const box = cell?.querySelector("input[type=checkbox]");
    if (box) box.checked = on ?? !box.checked;
  };
  const decide = (button) => {
    if (!button || button.disabled || isSent) return;
    if (grid && !grid.querySelector("input:checked")) choose(document.activeElement?.closest?.("li.cell"), true);
    if (button.value === "dispute" && !byId("note").value.trim()) {
      byId("note").focus();
      return;
    }
    form.requestSubmit(button);
  };
  form?.addEventListener("submit", (event) => {
    // As when the key is pressed: what is in focus, if nothing was chosen.
    if (grid && !grid.querySelector("input:checked")) choose(document.activeElement?.closest?.("li.cell"), true);
  });
  byId("all")?.addEventListener("click", () => chooseAll());
  const chooseAll = () => {
    const boxes = [...grid.querySelectorAll("input[type=checkbox]")];
    const on = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = on;
  };

  const cells = grid ? [...grid.querySelectorAll("li.cell .veil")] : [];
  const move = (step) => {
    const now = cells.indexOf(document.activeElement?.closest?.("li.cell")?.querySelector(".veil"));
    cells[Math.min(Math.max(now + step, 0), cells.length - 1)]?.focus();
  };
  const columns = () => getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const follow = (letter) => document.querySelector(`a[data-key="${letter}"]`)?.click();

  const forward = isRightToLeft ? "ArrowLeft" : "ArrowRight";
  const backward = isRightToLeft ? "ArrowRight" : "ArrowLeft";
  // By the place on the keyboard, not by the letter: an Arabic layout has others there.
  const actions = {
    KeyV: () => show(inFocus()),
    KeyU: () => byId("undo")?.requestSubmit(),
    KeyM: () => byId("note")?.focus(),
    KeyO: () => follow("O"),
    KeyJ: () => follow("J"),
    KeyK: () => follow("K"),
    KeyG: () => follow("G"),
    KeyL: () => follow("L"),
    KeyC: () => colour.click(),
    KeyH: () => help.showModal(),
    KeyX: () => choose(document.activeElement?.closest?.("li.cell")),
    KeyA: () => grid && chooseAll(),
    Equal: () => setBlur(Number(blur.value) + 4),
    NumpadAdd: () => setBlur(Number(blur.value) + 4),
    Minus: () => setBlur(Number(blur.value) - 4),
    NumpadSubtract: () => setBlur(Number(blur.value) - 4),
    [forward]: () => (grid ? move(1) : follow("J")),
    [backward]: () => (grid ? move(-1) : follow("K")),
  };
  if (grid) {
    actions.ArrowDown = () => move(columns());
    actions.ArrowUp = () => move(-columns());
  }
  document.addEventListener("keydown", (event) => {
    if (help.open || event.ctrlKey || event.altKey || event.metaKey) return;
    const target = event.target;
    if (target.tagName === "TEXTAREA") {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (target === blur && event.key.startsWith("Arrow")) return;
    const onVeil = target.closest?.(".veil");
    if (event.code === "Space" && (onVeil || target === document.body || target.id === "main")) {
      event.preventDefault();
      if (!event.repeat) show(onVeil ?? inFocus());
      return;
    }
    if (event.key === "Enter" && onVeil) {
      event.preventDefault();
      onVeil.closest("li.cell")?.querySelector("a.open")?.click();
      return;
    }
    if (event.key === "?" || event.key === "؟") {
      help.showModal();
      return;
    }
    const digit = /^(?:Digit|Numpad)([1-5])$/.exec(event.code);
    const act = digit && form ? () => decide(form.querySelector(`button[data-key="${digit[1]}"]`)) : actions[event.code];
    if (!act) return;
    event.preventDefault();
    if (!event.repeat) act();
  });

  // So that a key is all that it takes, from the first moment on.
  if (document.activeElement === document.body) (grid ? cells[0] : veils[0])?.focus({ preventScroll: true });
})();
