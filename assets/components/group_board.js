// The group board: a tree of modules and parameters, and the groups that parts are moved into, by a
// drag or by choosing them and pressing a group's button.

// What a drag of parts carries; only a drop on a group of the same board takes it.
const DRAGGED_PARTS = "application/x-layerlab-parts";

class GroupBoard {
  constructor(root, channel) {
    this.channel = channel;
    this.root = root.querySelector(".group-board");
    this.tree = this.root.querySelector(".parts");
    this.bins = this.root.querySelector(".groups");
    this.status = this.root.querySelector('[role="status"]');
    this.rows = [];
    this.open = new Set();
    this.chosen = new Set();
    this.stop = null;
    this.last = null;
    this.listen();
  }

  destroy() {}

  render(data) {
    this.groups = new Map(data.groups.map((group) => [group.name, group]));
    const paths = new Set(data.parts.map((part) => part.path));
    this.chosen = new Set([...this.chosen].filter((path) => paths.has(path)));
    const focused = this.tree.contains(this.tree.getRootNode().activeElement);
    this.rows = data.parts.map((part, at) => this.makeRow(part, data.parts[at + 1]));
    this.tree.replaceChildren(...this.rows.map((row) => row.node));
    this.bins.replaceChildren(...data.groups.map((group) => this.makeBin(group)), this.makeBin(null));
    if (!paths.has(this.stop)) this.stop = data.parts[0]?.path ?? null;
    this.mark();
    if (focused) this.rowAt(this.stop)?.node.focus();
  }

  makeRow(part, next) {
    const holds = next !== undefined && next.depth > part.depth;
    const dots = part.groups.map((name) => {
      const dot = el("span", { class: "dot" });
      dot.style.setProperty("--group", this.groups.get(name)?.colour ?? "transparent");
      return dot;
    });
    const node = el(
      "div",
      {
        class: `part${part.parameter ? " parameter" : ""}`, role: "treeitem", draggable: "true",
        "aria-level": part.depth + 1, "aria-expanded": holds ? "false" : undefined,
        "data-path": part.path, tabindex: "-1",
      },
      el("span", { class: "fold" }, holds ? icon("chevron") : null),
      el("span", { class: "box", "aria-hidden": "true" }),
      el("span", { class: "name", text: part.name }),
      el("span", { class: "about", text: part.about + (part.still ? " · frozen in the model" : "") }),
      el("span", { class: "values", text: formatCount(part.values) }),
      el("span", { class: "in" }, ...dots, el("span", { text: part.groups.join(", ") })),
    );
    node.style.setProperty("--depth", part.depth);
    return { ...part, holds, node };
  }

  makeBin(group) {
    const name = group ? group.name : "A new group";
    const node = el(
      "div",
      { class: group ? "bin" : "bin new", role: "listitem", "data-group": group?.name },
      el("span", { class: "dot" }),
      el(
        "span",
        { class: "words" },
        el("span", { class: "name", text: name }),
        el("span", { class: "about", text: group ? group.about : "Drag parts of the model here." }),
      ),
      el("button", {
        type: "button", class: "take", text: "Move here",
        "aria-label": `Move the chosen parts to ${group ? name : "a new group"}`,
        on: { click: () => this.move([...this.chosen], group ? name : null) },
      }),
    );
    if (group) node.style.setProperty("--group", group.colour);
    return node;
  }

  rowAt(path) {
    return this.rows.find((row) => row.path === path);
  }

  shown() {
    return this.rows.filter((row) => !row.node.hidden);
  }

  within(path) {
    return [...this.chosen].some((chosen) => path.startsWith(`${chosen}.`));
  }

  /** Shows what is folded, chosen and focusable. */
  mark() {
    for (const row of this.rows) {
      const { node, path, holds } = row;
      const above = path.split(".").slice(0, -1).map((_, at, all) => all.slice(0, at + 1).join("."));
      node.hidden = above.some((parent) => this.rowAt(parent) && !this.open.has(parent));
      if (holds) node.setAttribute("aria-expanded", String(this.open.has(path)));
      node.setAttribute("aria-selected", String(this.chosen.has(path) || this.within(path)));
      node.tabIndex = path === this.stop ? 0 : -1;
    }
    const none = this.chosen.size === 0;
    for (const button of this.bins.querySelectorAll(".take")) button.disabled = none;
    this.root.classList.toggle("choosing", !none);
  }

  move(paths, to) {
    const kept = paths.filter((path) => !paths.some((other) => path.startsWith(`${other}.`)));
    if (kept.length === 0) return;
    this.channel.send({ do: "move", paths: kept, to });
    this.chosen.clear();
    this.status.textContent = `${kept.join(", ")} moved to ${to ?? "a new group"}`;
    this.mark();
  }

  choose(row, { range = false } = {}) {
    const shown = this.shown();
    const from = shown.findIndex(({ path }) => path === this.last);
    const to = shown.indexOf(row);
    if (range && from >= 0) {
      const [low, high] = from < to ? [from, to] : [to, from];
      shown.slice(low, high + 1).forEach(({ path }) => this.chosen.add(path));
    } else if (this.chosen.has(row.path)) this.chosen.delete(row.path);
    else this.chosen.add(row.path);
    this.last = row.path;
    this.focus(row);
  }

  fold(row, open) {
    if (!row.holds) return;
    if (open) this.open.add(row.path);
    else this.open.delete(row.path);
    this.focus(row);
  }

  focus(row) {
    this.stop = row.path;
    this.mark();
    row.node.focus();
  }

  pressed(event) {
    const row = this.rowAt(event.target.closest(".part")?.dataset.path);
    if (!row) return;
    // Streamlit has one-letter shortcuts of its own on the document.
    event.stopPropagation();
    const shown = this.shown();
    const at = shown.indexOf(row);
    const open = this.open.has(row.path);
    const parent = this.rowAt(row.path.split(".").slice(0, -1).join("."));
    const does = {
      ArrowDown: () => shown[at + 1] && this.focus(shown[at + 1]),
      ArrowUp: () => shown[at - 1] && this.focus(shown[at - 1]),
      Home: () => this.focus(shown[0]),
      End: () => this.focus(shown.at(-1)),
      ArrowRight: () => (row.holds && !open ? this.fold(row, true) : shown[at + 1] && this.focus(shown[at + 1])),
      ArrowLeft: () => (open ? this.fold(row, false) : parent && this.focus(parent)),
      " ": () => this.choose(row, { range: event.shiftKey }),
      Escape: () => {
        this.chosen.clear();
        this.mark();
      },
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }

  listen() {
    this.tree.addEventListener("keydown", (event) => this.pressed(event));
    this.tree.addEventListener("click", (event) => {
      const row = this.rowAt(event.target.closest(".part")?.dataset.path);
      if (!row) return;
      if (event.target.closest(".fold") && row.holds) this.fold(row, !this.open.has(row.path));
      else this.choose(row, { range: event.shiftKey });
    });
    this.tree.addEventListener("dragstart", (event) => {
      const path = event.target.closest(".part")?.dataset.path;
      if (!path) return;
      this.dragged = this.chosen.has(path) || this.within(path) ? [...this.chosen] : [path];
      event.dataTransfer.setData(DRAGGED_PARTS, "");
      event.dataTransfer.effectAllowed = "move";
      this.root.classList.add("dragging");
    });
    this.tree.addEventListener("dragend", () => this.dropped());
    for (const name of ["dragenter", "dragover"]) {
      this.bins.addEventListener(name, (event) => {
        const bin = event.target.closest(".bin");
        if (!bin || !this.dragged) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "move";
        for (const other of this.bins.children) other.classList.toggle("over", other === bin);
      });
    }
    this.bins.addEventListener("dragleave", (event) => {
      if (!this.bins.contains(event.relatedTarget)) this.leave();
    });
    this.bins.addEventListener("drop", (event) => {
      const bin = event.target.closest(".bin");
      if (!bin || !this.dragged) return;
      event.preventDefault();
      this.move(this.dragged, bin.dataset.group ?? null);
      this.dropped();
    });
  }

  leave() {
    for (const bin of this.bins.children) bin.classList.remove("over");
  }

  dropped() {
    this.dragged = null;
    this.root.classList.remove("dragging");
    this.leave();
  }
}

export default function (component) {
  return mount(component, (root, channel) => new GroupBoard(root, channel));
}
