// A tree of modules and of what they hold, in rows that fold. Nothing here knows of Python: whoever
// owns the tree is told what is picked, pointed at or switched.

// A tree of more rows than this opens with only its upper levels unfolded.
const UNFOLDED_ROWS = 80;
const UNFOLDED_LEVELS = 2;

class TreeRows {
  constructor(host, { pick, point, toggle }) {
    this.host = host;
    this.pick = pick;
    this.point = point;
    this.toggle = toggle;
    this.rows = [];
    this.nodes = new Map();
    this.folded = new Set();
    this.signature = null;
    this.selected = null;
    host.addEventListener("click", (event) => this.clicked(event));
    host.addEventListener("keydown", (event) => this.pressed(event));
    host.addEventListener("pointerover", (event) => this.pointed(event));
    host.addEventListener("pointerleave", () => this.point?.(null));
    host.addEventListener("focusin", (event) => this.pointed(event));
  }

  /** `rows` stand in the order of the tree: what a row holds follows it, one level deeper. */
  render(rows, switches) {
    const signature = JSON.stringify([rows.map(({ on, order, dim, ...rest }) => rest), switches]);
    const known = signature === this.signature;
    this.signature = signature;
    this.rows = rows;
    if (!known) this.make(rows, switches);
    for (const row of rows) this.update(row);
  }

  make(rows, switches) {
    rows.forEach((row, index) => {
      row.holds = index + 1 < rows.length && rows[index + 1].level > row.level;
    });
    const ids = new Set(rows.map((row) => row.id));
    const before = this.nodes;
    if (![...before.keys()].some((id) => ids.has(id))) {
      this.folded = new Set(
        rows.length > UNFOLDED_ROWS
          ? rows.filter((row) => row.holds && row.level >= UNFOLDED_LEVELS - 1).map((row) => row.id)
          : [],
      );
    }
    this.holds = new Map(rows.map((row) => [row.id, row.holds]));
    this.nodes = new Map(rows.map((row) => [row.id, makeTreeRow(row, switches)]));
    this.host.replaceChildren(...this.nodes.values());
    this.fold();
  }

  update(row) {
    const node = this.nodes.get(row.id);
    node.classList.toggle("dim", Boolean(row.dim));
    node.querySelector(".order").textContent = row.order ?? "";
    for (const button of node.querySelectorAll(".switch")) {
      button.setAttribute("aria-pressed", String((row.on ?? []).includes(button.dataset.what)));
    }
  }

  /** Marks the chosen row, and gives it the place that the Tab key reaches. */
  select(id) {
    const node = this.nodes.get(id) ?? this.host.firstElementChild;
    for (const other of this.nodes.values()) {
      const chosen = other === node && this.nodes.has(id);
      other.classList.toggle("chosen", chosen);
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = other === node ? 0 : -1;
    }
    if (id !== this.selected && this.nodes.has(id)) this.reveal(id);
    this.selected = id;
  }

  /** Lights rows; every other is as it was. */
  light(ids) {
    const lit = new Set(ids);
    for (const [id, node] of this.nodes) node.classList.toggle("lit", lit.has(id));
  }

  /** The ids on the way from the root to a row, which is the last. */
  path(id) {
    const place = this.rows.findIndex((row) => row.id === id);
    const found = [];
    let level = Infinity;
    for (let index = place; index >= 0; index -= 1) {
      if (this.rows[index].level >= level) continue;
      level = this.rows[index].level;
      found.unshift(this.rows[index].id);
    }
    return found;
  }

  /** Unfolds what hides a row, and scrolls the tree, and only the tree, until it is seen. */
  reveal(id) {
    const above = this.path(id).slice(0, -1);
    if (above.some((name) => this.folded.delete(name))) this.fold();
    const node = this.nodes.get(id);
    const scroller = this.host.closest(".scroll");
    const box = node.getBoundingClientRect();
    const frame = scroller.getBoundingClientRect();
    if (box.top < frame.top) scroller.scrollTop -= frame.top - box.top;
    else if (box.bottom > frame.bottom) scroller.scrollTop += box.bottom - frame.bottom + 4;
  }

  /** Hides what is folded away. */
  fold() {
    let hiddenBelow = Infinity;
    for (const row of this.rows) {
      const node = this.nodes.get(row.id);
      if (row.level <= hiddenBelow) hiddenBelow = Infinity;
      node.hidden = row.level > hiddenBelow;
      if (!this.holds.get(row.id)) continue;
      const folded = this.folded.has(row.id);
      node.setAttribute("aria-expanded", String(!folded));
      if (folded && !node.hidden) hiddenBelow = row.level;
    }
  }

  foldOrNot(id, folded) {
    if (folded) this.folded.add(id);
    else this.folded.delete(id);
    this.fold();
  }

  idOf(event) {
    return event.target.closest(".tree-row")?.dataset.id;
  }

  clicked(event) {
    const id = this.idOf(event);
    if (id === undefined) return;
    const button = event.target.closest("button");
    if (button?.classList.contains("fold")) this.foldOrNot(id, !this.folded.has(id));
    else if (button) this.toggle?.(id, button.dataset.what);
    else this.pick?.(id);
  }

  pointed(event) {
    const id = this.idOf(event);
    if (id !== undefined) this.point?.(id);
  }

  pressed(event) {
    const id = this.idOf(event);
    if (id === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const onButton = event.target.closest("button");
    const node = this.nodes.get(id);
    const shown = [...this.nodes.values()].filter((other) => !other.hidden);
    const place = shown.indexOf(node);
    const open = this.holds.get(id) && !this.folded.has(id);
    let next = null;
    if (event.key === "ArrowDown") next = shown[place + 1];
    else if (event.key === "ArrowUp") next = shown[place - 1];
    else if (event.key === "Home") [next] = shown;
    else if (event.key === "End") next = shown.at(-1);
    else if (event.key === "ArrowRight" && !open && this.holds.get(id)) this.foldOrNot(id, false);
    else if (event.key === "ArrowRight" && open) next = shown[place + 1];
    else if (event.key === "ArrowLeft" && open) this.foldOrNot(id, true);
    else if (event.key === "ArrowLeft") next = this.nodes.get(this.path(id).at(-2));
    else if ((event.key === "Enter" || event.key === " ") && !onButton) this.pick?.(id);
    else return;
    event.preventDefault();
    // Streamlit has one-letter shortcuts of its own on the document.
    event.stopPropagation();
    next?.focus();
  }
}

function makeTreeRow(row, switches) {
  const node = el(
    "div",
    {
      class: `tree-row ${row.leaf ? "leaf" : ""}`,
      role: "treeitem",
      "aria-level": row.level + 1,
      "aria-label": [row.name, row.kind, row.words].filter(Boolean).join(" "),
      "data-id": row.id,
      tabindex: "-1",
    },
    row.holds ? foldButton(row) : el("span", { class: "no-fold" }),
    el("span", { class: "chip", "aria-hidden": "true" }),
    el("span", { class: "name", text: row.name }),
    el("span", { class: "kind", text: row.kind }),
    el("span", { class: "words", text: row.words, title: row.words }),
    el("span", { class: "order", "aria-hidden": "true" }),
    row.leaf
      ? null
      : el("span", { class: "switches" }, ...switches.map((entry) => switchButton(row, entry))),
    el("span", { class: "count", text: row.count }),
  );
  node.style.setProperty("--level", row.level);
  node.style.setProperty("--group", row.colour);
  return node;
}

function foldButton(row) {
  return el(
    "button",
    { type: "button", class: "fold", tabindex: "-1", "aria-label": `Fold ${row.name}` },
    icon("chevron"),
  );
}

function switchButton(row, { id, label, help }) {
  return el("button", {
    type: "button",
    class: "switch",
    text: label,
    title: help,
    "aria-label": `${label} of ${row.name}`,
    "aria-pressed": "false",
    "data-what": id,
  });
}
