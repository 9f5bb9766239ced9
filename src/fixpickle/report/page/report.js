"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const cards = [...document.querySelectorAll(".card")];
  const tiles = [...document.querySelectorAll(".tile")];
  const texts = new Map();
  const hidden = new Set();

  // --- theme ---
  const root = document.documentElement;
  const remember = (value) => { try { localStorage.setItem("fixpickle-theme", value); } catch { /* a file may keep nothing */ } };
  const recalled = () => { try { return localStorage.getItem("fixpickle-theme"); } catch { return null; } };
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  if (recalled()) root.dataset.theme = recalled();
  const turn = () => { root.dataset.theme = dark() ? "light" : "dark"; remember(root.dataset.theme); };
  $("theme").addEventListener("click", turn);
  const help = $("help");
  const explain = () => { if (!help.open) help.showModal(); };
  $("keys").addEventListener("click", explain);

  // --- filters: what is shown is kept in the address, so that it can be handed on ---
  const search = $("search"), rule = $("rule"), file = $("file"), state = $("state");

  const textOf = (card) => {
    if (!texts.has(card)) texts.set(card, card.textContent.toLowerCase());
    return texts.get(card);
  };
  const words = () => search.value.toLowerCase().split(/\s+/).filter(Boolean);

  const filter = () => {
    const wanted = words();
    let count = 0;
    for (const card of cards) {
      const data = card.dataset;
      const fits = (!rule.value || data.rule === rule.value) && (!file.value || data.file === file.value)
        && (!state.value || data.state === state.value) && !hidden.has(data.state)
        && (!wanted.length || wanted.every((word) => textOf(card).includes(word)));
      card.hidden = !fits;
      count += fits;
    }
    $("shown").textContent = `${count} of ${cards.length}`;
    $("none").hidden = count > 0;
    for (const tile of tiles) tile.setAttribute("aria-pressed", String(!hidden.has(tile.dataset.state)));
    const said = new URLSearchParams();
    for (const [name, value] of [["q", search.value], ["rule", rule.value], ["file", file.value], ["verdict", state.value], ["without", [...hidden].join(",")]])
      if (value) said.set(name, value);
    const address = String(said);
    if (address || location.hash.includes("=")) history.replaceState(null, "", address ? `#${address}` : location.pathname);
  };

  const reset = () => {
    hidden.clear();
    search.value = rule.value = file.value = state.value = "";
    filter();
  };
  const toggle = (name) => { if (!hidden.delete(name)) hidden.add(name); filter(); };

  const pick = (select, value) => { if ([...select.options].some((option) => option.value === value)) select.value = value; };
  const follow = () => {
    if (!location.hash.includes("=")) return;
    const said = new URLSearchParams(location.hash.slice(1));
    search.value = said.get("q") ?? "";
    pick(rule, said.get("rule") ?? "");
    pick(file, said.get("file") ?? "");
    pick(state, said.get("verdict") ?? "");
    hidden.clear();
    for (const name of (said.get("without") ?? "").split(",").filter(Boolean)) hidden.add(name);
    filter();
  };

  // --- folding and walking ---
  const shown = () => cards.filter((card) => !card.hidden);
  const fold = () => {
    const open = !cards.some((card) => card.open);
    for (const card of cards) card.open = open;
    $("fold").textContent = open ? "fold all" : "unfold all";
  };
  const walk = (step) => {
    const list = shown();
    if (!list.length) return;
    const at = list.indexOf(document.activeElement?.closest(".card"));
    const next = list[at < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + step, 0), list.length - 1)];
    next.querySelector("summary").focus({ preventScroll: true });
    next.scrollIntoView({ block: "start" });
  };

  const keys = {
    j: () => walk(1),
    k: () => walk(-1),
    o: () => { const card = document.activeElement?.closest(".card"); if (card) card.open = !card.open; },
    e: fold,
    r: reset,
    "/": () => search.focus(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target.matches("input, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const always = { t: turn, "?": explain };
    const work = always[event.key] ?? (cards.length ? keys[event.key] : undefined);
    const tile = cards.length ? tiles[Number(event.key) - 1] : undefined;
    if (!work && !tile) return;
    event.preventDefault();
    if (work) work(); else toggle(tile.dataset.state);
  });

  if (!cards.length) return;
  $("fold").addEventListener("click", fold);
  $("reset").addEventListener("click", reset);
  search.form.addEventListener("submit", (event) => event.preventDefault());
  for (const field of [search, rule, file, state]) for (const kind of ["input", "change"]) field.addEventListener(kind, filter);
  for (const tile of tiles) tile.addEventListener("click", () => toggle(tile.dataset.state));
  for (const button of document.querySelectorAll("button[data-rule]"))
    button.addEventListener("click", () => {
      pick(rule, button.dataset.rule);
      filter();
      $("findings-title").scrollIntoView();
    });
  addEventListener("hashchange", () => {
    follow();
    const target = cards.find((card) => `#${card.id}` === location.hash);
    if (!target) return;
    if (target.hidden) reset();
    target.open = true;
    target.scrollIntoView();
  });
  addEventListener("beforeprint", () => { for (const card of cards) card.open = true; });
  follow();
})();
