// The palette: entries by group, found by typing, added by a click, Enter or a drag.

const TIP_DELAY_MS = 350;

class Palette {
  constructor(root, channel) {
    this.channel = channel;
    this.root = root.querySelector(".palette");
    this.input = this.root.querySelector("input");
    this.list = this.root.querySelector(".entries");
    this.status = this.root.querySelector('[role="status"]');
    this.tip = this.root.querySelector(".tip");
    this.signature = null;
    this.groups = [];
    this.tipTimer = 0;
    this.root.querySelector(".search").prepend(icon("search"));
    this.nothing = el("p", { class: "nothing", hidden: true });
    this.listen();
  }

  destroy() {
    clearTimeout(this.tipTimer);
  }

  render(data) {
    this.root.style.setProperty("--height", data.height == null ? "auto" : `${data.height}px`);
    const signature = JSON.stringify([data.entries, data.openGroups]);
    if (signature === this.signature) return;
    this.signature = signature;
    this.input.placeholder = `Search ${data.entries.length} layers`;
    const open = new Map(this.groups.map((group) => [group.name, group.open]));
    this.groups = groupEntries(data.entries).map((group, index) => ({
      ...group,
      open: open.get(group.name) ?? index < data.openGroups,
    }));
    this.list.replaceChildren(...this.groups.map((group) => this.makeGroup(group)), this.nothing);
    this.filter();
  }

  makeGroup(group) {
    group.count = el("span", { class: "count" });
    group.header = el(
      "button",
      { type: "button", class: "group-header", on: { click: () => this.toggle(group) } },
      icon("chevron"),
      el("span", { class: "group-name", text: group.name }),
      group.count,
    );
    group.nodes = group.entries.map((entry) => makeEntry(entry));
    group.body = el("div", { class: "group-body" }, ...group.nodes);
    group.node = el("section", { class: "group", "aria-label": group.name }, group.header, group.body);
    group.node.style.setProperty("--group", group.entries[0].colour);
    return group.node;
  }

  toggle(group) {
    group.open = !group.open;
    this.filter();
  }

  /** Shows what matches, best first within a group; a search unfolds every group that has a hit. */
  filter() {
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const searching = words.length > 0;
    let hits = 0;
    this.best = null;
    let bestScore = Infinity;
    for (const group of this.groups) {
      const scored = group.nodes.map((node) => [node, searching ? score(node.entry, words) : 0]);
      const found = scored.filter(([, value]) => value < Infinity);
      for (const [node, value] of scored) {
        node.hidden = value === Infinity;
        node.classList.remove("first");
        if (searching && value < bestScore) {
          bestScore = value;
          this.best = node;
        }
      }
      if (searching) found.sort((a, b) => a[1] - b[1]);
      found.forEach(([node]) => group.body.append(node));
      hits += found.length;
      const open = searching ? found.length > 0 : group.open;
      group.node.hidden = searching && found.length === 0;
      group.body.hidden = !open;
      group.header.setAttribute("aria-expanded", String(open));
      group.count.textContent = found.length;
      group.best = Math.min(Infinity, ...found.map(([, value]) => value));
    }
    const order = searching ? [...this.groups].sort((a, b) => a.best - b.best) : this.groups;
    order.forEach((group) => this.list.insertBefore(group.node, this.nothing));
    this.best?.classList.add("first");
    this.nothing.hidden = hits > 0;
    this.nothing.textContent = `No layer is called “${this.input.value.trim()}”.`;
    if (searching) this.status.textContent = `${hits} layers found`;
    this.hideTip();
  }

  add(node) {
    this.channel.send({ add: node.entry.op });
    this.status.textContent = `${node.entry.title} added`;
    node.classList.remove("added");
    // Reading a measure makes the browser start the animation again.
    void node.offsetWidth;
    node.classList.add("added");
  }

  listen() {
    this.input.addEventListener("input", () => {
      this.filter();
      this.list.scrollTop = 0;
    });
    this.root.addEventListener("keydown", (event) => this.pressed(event));
    this.list.addEventListener("click", (event) => {
      const node = event.target.closest(".entry");
      if (node) this.add(node);
    });
    this.list.addEventListener("dragstart", (event) => {
      const node = event.target.closest(".entry");
      if (!node) return;
      event.dataTransfer.setData(DRAGGED_LAYER, node.entry.op);
      event.dataTransfer.effectAllowed = "copy";
      this.hideTip();
    });
    this.list.addEventListener("pointerover", (event) => {
      if (event.pointerType !== "touch") this.tipSoon(event.target.closest(".entry"), TIP_DELAY_MS);
    });
    this.list.addEventListener("pointerleave", () => this.hideTip());
    this.list.addEventListener("focusin", (event) => {
      if (event.target.matches(":focus-visible")) this.tipSoon(event.target.closest(".entry"), 0);
    });
    this.list.addEventListener("focusout", () => this.hideTip());
    this.list.addEventListener("scroll", () => this.hideTip(), { passive: true });
  }

  pressed(event) {
    // Streamlit has one-letter shortcuts of its own on the document.
    event.stopPropagation();
    const searching = event.target === this.input;
    if (event.key === "Enter" && searching) {
      if (this.best) this.add(this.best);
      this.input.select();
    } else if (event.key === "Escape") {
      if (this.input.value === "" && searching) return;
      this.input.value = "";
      this.filter();
      this.input.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.walk(event.target, event.key === "ArrowDown" ? 1 : -1);
    } else return;
    event.preventDefault();
  }

  walk(from, by) {
    const stops = [this.input, ...this.list.querySelectorAll("button")].filter((node) => node.offsetParent !== null);
    stops[Math.max(0, Math.min(stops.length - 1, stops.indexOf(from) + by))].focus();
  }

  tipSoon(node, delay) {
    if (node === this.tipped) return;
    this.hideTip();
    this.tipped = node;
    if (node?.entry.help) this.tipTimer = setTimeout(() => this.showTip(node), delay);
  }

  showTip(node) {
    if (!node.isConnected) return;
    const { entry } = node;
    this.tip.replaceChildren(
      el("div", { class: "tip-title", text: entry.title }),
      el("div", { class: "tip-op", text: entry.op }),
      el("p", { text: entry.help }),
    );
    this.tip.showPopover();
    const box = node.getBoundingClientRect();
    const size = this.tip.getBoundingClientRect();
    const right = box.right + 8;
    const left = right + size.width < innerWidth - 8 ? right : Math.max(8, box.left - size.width - 8);
    const roomBeside = left === right || box.left - size.width - 8 >= 8;
    const top = roomBeside ? box.top - 6 : box.bottom + 4;
    this.tip.style.left = `${left}px`;
    this.tip.style.top = `${Math.max(8, Math.min(top, innerHeight - size.height - 8))}px`;
  }

  hideTip() {
    clearTimeout(this.tipTimer);
    this.tipped = null;
    if (this.tip.matches(":popover-open")) this.tip.hidePopover();
  }
}

function makeEntry(entry) {
  const node = el(
    "button",
    { type: "button", class: "entry", draggable: "true", "data-op": entry.op, "aria-label": `Add ${entry.title}. ${entry.help}` },
    el("span", { class: "chip", "aria-hidden": "true" }),
    el("span", { class: "title", text: entry.title }),
    el("span", { class: "help", text: entry.help }),
    icon("plus"),
  );
  node.entry = entry;
  return node;
}

function groupEntries(entries) {
  const groups = new Map();
  for (const entry of entries) {
    if (!groups.has(entry.group)) groups.set(entry.group, { name: entry.group, entries: [] });
    groups.get(entry.group).entries.push(entry);
  }
  return [...groups.values()];
}

/** How well an entry matches all words: 0 is the title itself, Infinity no match. */
function score(entry, words) {
  let total = 0;
  for (const word of words) {
    const title = entry.title.toLowerCase();
    if (title === word) total += 0;
    else if (title.startsWith(word)) total += 1 + title.length / 100;
    else if (title.includes(word)) total += 2 + title.length / 100;
    else if (entry.op.toLowerCase().includes(word)) total += 3;
    else if (entry.group.toLowerCase().includes(word)) total += 4;
    else if (entry.help.toLowerCase().includes(word)) total += 5;
    else return Infinity;
  }
  return total;
}

export default function (component) {
  return mount(component, (root, channel) => new Palette(root, channel));
}
