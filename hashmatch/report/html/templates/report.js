"use strict";
// Filter, sort and search. All content is in the page; without this script only the tools are missing.
(() => {
  const byId = (id) => document.getElementById(id);
  const tools = byId("tools");
  if (tools) {
    const flat = byId("flat");
    const shown = byId("shown");
    const sections = [...document.querySelectorAll(".tier-section")];
    const groups = [...document.querySelectorAll(".group")].map((element) => ({
      element,
      tier: element.closest(".tier-section").dataset.tier,
      collections: new Set(element.dataset.collections.split(" ")),
      labels: new Set(element.dataset.labels.split(" ")),
      text: null,
    }));
    const cards = groups.flatMap((group) => {
      group.list = group.element.querySelector("ol");
      group.cards = [...group.list.children].map((element) => ({ element, group, text: null, isShown: true }));
      return group.cards;
    });
    const number = (value, missing) => (value === "" ? missing : Number(value));
    const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });

    // Arabic is found with and without vowel signs, lengthening and joiners, Latin in either case.
    const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/[\u0640\u064b-\u065f\u0670\u200c\u200d]/g, "");
    const textOf = (card) => {
      card.group.text ??= plain(card.group.element.querySelector("header").textContent);
      card.text ??= plain(card.element.textContent);
      return card.text + "\n" + card.group.text;
    };

    const filter = () => {
      const words = plain(byId("search").value).split(/\s+/).filter(Boolean);
      const tiers = new Set([...tools.querySelectorAll("[name=tier]:checked")].map((box) => box.value));
      const kind = byId("kind").value;
      const collection = byId("collections")?.value ?? "";
      const label = byId("labels")?.value ?? "";
      const most = number(byId("distance").value, null);
      const isWanted = (card) => {
        const { element, group } = card;
        return tiers.has(group.tier)
          && (!kind || element.dataset.kind === kind)
          && (!collection || group.collections.has(collection))
          && (!label || group.labels.has(label))
          && (most === null || number(element.dataset.distance, Infinity) <= most)
          && (!words.length || words.every((word) => textOf(card).includes(word)));
      };
      let count = 0;
      const groupsShown = new Set();
      for (const card of cards) {
        const wanted = isWanted(card);
        if (wanted !== card.isShown) card.element.hidden = !wanted;
        card.isShown = wanted;
        count += wanted;
        if (wanted) groupsShown.add(card.group);
      }
      const isFlat = !flat.hidden;
      for (const group of groups) group.element.hidden = isFlat || !groupsShown.has(group);
      for (const section of sections) {
        section.hidden = isFlat || !section.querySelector(".group:not([hidden])");
      }
      shown.value = shown.dataset.text
        .replace("{shown}", count.toLocaleString("en"))
        .replace("{all}", cards.length.toLocaleString("en"));
    };

    const orders = {
      distance: (a, b) => number(a.element.dataset.distance, Infinity) - number(b.element.dataset.distance, Infinity) || 0,
      size: (a, b) => b.element.dataset.size - a.element.dataset.size,
      share: (a, b) => b.element.dataset.share - a.element.dataset.share,
      name: (a, b) => collator.compare(a.name, b.name),
    };
    const sort = () => {
      const order = byId("sort").value;
      if (order === "name") for (const card of cards) card.name ??= card.element.querySelector(".path").textContent;
      flat.hidden = !order;
      if (order) {
        flat.append(...[...cards].sort(orders[order]).map((card) => card.element));
      } else if (flat.firstChild) {
        for (const group of groups) group.list.append(...group.cards.map((card) => card.element));
      }
      filter();
    };

    let waiting = 0;
    tools.addEventListener("input", (event) => {
      clearTimeout(waiting);
      waiting = setTimeout(event.target.id === "sort" ? sort : filter, event.target.id === "search" ? 120 : 0);
    });
    tools.addEventListener("reset", () => setTimeout(sort));
    tools.addEventListener("submit", (event) => event.preventDefault());
    tools.hidden = false;
    filter();
  }

  // A picture is seen while a person holds the button or a key down on it, and no longer.
  let held = null;
  const hide = () => {
    held?.classList.remove("held");
    held = null;
  };
  const show = (event) => {
    const veil = event.target.closest?.(".veil");
    hide();
    if (veil) {
      event.preventDefault();
      veil.focus();
      held = veil;
      veil.classList.add("held");
    }
  };
  document.addEventListener("pointerdown", (event) => event.button === 0 && show(event));
  document.addEventListener("keydown", (event) => {
    if ((event.key === " " || event.key === "Enter") && event.target.closest?.(".veil")) {
      event.repeat ? event.preventDefault() : show(event);
    }
  });
  for (const name of ["pointerup", "pointercancel", "keyup", "focusout", "visibilitychange", "contextmenu", "scroll"]) {
    document.addEventListener(name, hide, true);
  }
  window.addEventListener("blur", hide);

  // On paper everything is unfolded.
  const unfolded = [];
  window.addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details:not([open])")) {
      each.open = true;
      unfolded.push(each);
    }
  });
  window.addEventListener("afterprint", () => {
    while (unfolded.length) unfolded.pop().open = false;
  });
})();
