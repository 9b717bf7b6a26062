// The list of a model's layers. Python holds the model: this shows rows and sends intents.

// Captured deltas of more children than this cost more than the animation is worth.
const ANIMATED_ROWS = 150;
const SELECT_DELAY_MS = 120;
const EDGE_PX = 9;
// A character of the shape column, a little more than the 0.6 em that monospaced fonts have.
const SHAPE_CHARACTER_REM = 0.8125 * 0.62;

const isStructural = (intent) => !["select", "insert", "input"].includes(intent.do);

class LayerList {
  constructor(root, channel) {
    this.channel = channel;
    this.rows = new Map();
    this.data = null;
    this.selected = null;
    this.selectTimer = 0;
    this.root = root.querySelector(".layer-list");
    this.scroller = this.root.querySelector(".scroll");
    this.inputs = this.root.querySelector(".inputs");
    this.list = this.root.querySelector(".rows");
    this.outputs = this.root.querySelector(".outputs");
    this.empty = this.root.querySelector(".empty");
    this.marker = this.makeMarker();
    this.inserter = this.makeInserter();
    this.hovered = null;
    this.cameUpAt = "";
    this.aimed = false;
    this.onAction = false;
    this.listen();
    this.sortable = self.Sortable.create(this.list, {
      draggable: ".row",
      handle: ".grip",
      ghostClass: "ghost",
      dragClass: "dragged",
      delay: 120,
      delayOnTouchOnly: true,
      scroll: this.scroller,
      scrollSensitivity: 60,
      scrollSpeed: 14,
      onStart: () => this.root.classList.add("dragging"),
      onEnd: (event) => this.dropped(event),
    });
  }

  destroy() {
    clearTimeout(this.selectTimer);
    this.sortable.destroy();
  }

  send(intent) {
    this.channel.send(intent);
  }

  // --- drawing -----------------------------------------------------------------------------

  render(data) {
    const hadFocus = this.focusedRow() !== null;
    this.data = data;
    this.root.style.setProperty("--height", data.height == null ? "none" : `${data.height}px`);
    const longest = Math.max(12, ...[...data.rows, ...data.inputs].map((row) => row.shape.length));
    this.root.style.setProperty("--shape-width", `${Math.min(longest, 26) * SHAPE_CHARACTER_REM}rem`);
    drawPorts(this.inputs, data.inputs, "input");
    drawPorts(this.outputs, data.outputs, "output");
    this.empty.hidden = data.rows.length > 0;
    this.drawRows(data.rows);
    this.drawMarker(data.insertAt);
    this.sortable.option("animation", data.rows.length > ANIMATED_ROWS ? 0 : 140);
    if (!this.selectTimer) this.select(data.selected);
    if (hadFocus && this.focusedRow() === null && !this.root.querySelector(".rename")) {
      this.rows.get(this.selected)?.focus({ preventScroll: true });
    }
  }

  drawRows(rows) {
    const wanted = new Set(rows.map((row) => row.name));
    for (const [name, node] of this.rows) {
      if (wanted.has(name)) continue;
      node.remove();
      this.rows.delete(name);
    }
    let cursor = this.firstRow();
    for (const row of rows) {
      let node = this.rows.get(row.name);
      if (!node) {
        node = makeRow(row);
        this.rows.set(row.name, node);
      }
      updateRow(node, row);
      if (node === cursor) {
        cursor = nextRow(cursor);
        continue;
      }
      // One row taken from here: step over it instead of moving all that follow.
      if (cursor && node === nextRow(cursor)) {
        const displaced = cursor;
        cursor = nextRow(node);
        this.list.insertBefore(displaced, null);
        continue;
      }
      this.list.insertBefore(node, cursor);
    }
  }

  // --- the place where the next layer goes -----------------------------------------------------

  makeMarker() {
    return el(
      "div",
      { class: "marker" },
      el("span", { class: "marker-text", text: "The next layer goes here" }),
      iconButton("cross", "Forget this place (Escape)", "forget"),
    );
  }

  drawMarker(at) {
    if (at == null) {
      this.marker.remove();
      return;
    }
    const before = this.rowElements()[at] ?? null;
    if (this.marker.parentNode === this.list && this.marker.nextElementSibling === before) return;
    this.list.insertBefore(this.marker, before);
  }

  makeInserter() {
    const button = iconButton("plus", "Put the next layer here", "insert-here");
    button.tabIndex = -1;
    const node = el("div", { class: "inserter", hidden: true }, button);
    this.scroller.append(node);
    return node;
  }

  /** The index of the gap that the pointer is at, and its distance from the list's top; or null. */
  gapAt(event, reach) {
    const over = event.composedPath().find((node) => node.classList?.contains("row"));
    if (!over || over.parentNode !== this.list) return null;
    const box = over.getBoundingClientRect();
    const near = Math.min(reach, box.height / 2);
    const below = box.bottom - event.clientY < near;
    if (!below && event.clientY - box.top > near) return null;
    const top = this.scroller.getBoundingClientRect().top - this.scroller.scrollTop;
    return { at: this.indexOf(over) + (below ? 1 : 0), y: (below ? box.bottom : box.top) - top };
  }

  showInserter(gap) {
    this.inserter.hidden = gap === null;
    if (gap === null) return;
    this.inserter.dataset.at = gap.at;
    this.inserter.style.top = `${gap.y}px`;
  }

  // --- selection and focus -----------------------------------------------------------------------

  select(name, { reveal = false } = {}) {
    if (this.selected !== null && this.selected !== name) {
      const old = this.rows.get(this.selected);
      if (old) {
        old.classList.remove("chosen");
        old.setAttribute("aria-selected", "false");
        old.tabIndex = -1;
        if (old !== this.hovered) old.querySelector(".actions")?.remove();
      }
    }
    const changed = this.selected !== name;
    this.selected = name;
    const node = this.rows.get(name);
    const first = this.firstRow();
    if (first && first !== node) first.tabIndex = node ? -1 : 0;
    if (!node) return;
    node.classList.add("chosen");
    node.setAttribute("aria-selected", "true");
    node.tabIndex = 0;
    addActions(node);
    if (reveal || changed) this.reveal(node);
  }

  /** Scrolls the list, and only the list, until the row is seen. */
  reveal(node) {
    const box = node.getBoundingClientRect();
    const frame = this.scroller.getBoundingClientRect();
    const head = this.root.querySelector(".head").offsetHeight;
    if (box.top < frame.top + head) this.scroller.scrollTop -= frame.top + head - box.top;
    else if (box.bottom > frame.bottom) this.scroller.scrollTop += box.bottom - frame.bottom + 4;
  }

  choose(name, { wait = 0 } = {}) {
    clearTimeout(this.selectTimer);
    this.selectTimer = 0;
    if (name === this.data.selected && name === this.selected) return;
    this.select(name, { reveal: true });
    const tell = () => {
      this.selectTimer = 0;
      this.send({ do: "select", name });
    };
    if (wait) this.selectTimer = setTimeout(tell, wait);
    else tell();
  }

  hover(node, at) {
    if (node === this.hovered) return;
    const old = this.hovered;
    this.hovered = node;
    old?.classList.remove("hovered");
    node?.classList.add("hovered");
    if (old && old.dataset.name !== this.selected) old.querySelector(".actions")?.remove();
    if (node && !node.querySelector(".actions")) {
      addActions(node);
    }
    this.aimed = false;
    this.cameUpAt = at;
  }

  // --- what a person does -------------------------------------------------------------------------

  listen() {
    this.root.addEventListener("click", (event) => this.clicked(event));
    this.root.addEventListener("dblclick", (event) => {
      const row = rowOf(event);
      if (row && !this.onAction && !event.target.closest("input, .note")) this.rename(row);
    });
    this.root.addEventListener("keydown", (event) => this.pressed(event));
    this.root.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      if (event.target.closest(".inserter")) return;
      const at = `${event.clientX},${event.clientY}`;
      this.hover(rowOf(event), at);
      if (at !== this.cameUpAt && event.target.closest(".actions")) this.aimed = true;
      this.showInserter(event.buttons || event.target.closest("button, input") ? null : this.gapAt(event, EDGE_PX));
    });
    this.root.addEventListener("pointerleave", () => {
      this.hover(null);
      this.showInserter(null);
    });
    this.scroller.addEventListener("dragover", (event) => this.draggedOver(event));
    this.scroller.addEventListener("dragleave", (event) => {
      if (!this.scroller.contains(event.relatedTarget)) this.showInserter(null);
    });
    this.scroller.addEventListener("drop", (event) => this.droppedFromPalette(event));
  }

  clicked(event) {
    const row = rowOf(event);
    let button = event.target.closest("button");
    const onAction = button?.closest(".actions") != null;
    // A click that was meant for the row must not hit a button that has just come up under it.
    const byMouse = event.detail > 0 && event.pointerType !== "touch";
    this.onAction = onAction && (this.aimed || !byMouse);
    if (onAction && !this.onAction) button = null;
    if (button?.dataset.action) this.act(button.dataset.action, row, button);
    else if (button?.dataset.fix) {
      this.send({ do: "fix", name: row.dataset.name, of: button.dataset.of, fix: Number(button.dataset.fix) });
      button.closest(".note").classList.add("working");
    } else if (row && !event.target.closest("input")) {
      row.focus({ preventScroll: true });
      this.choose(row.dataset.name);
    } else if (event.target.closest("[data-input]")) {
      this.send({ do: "input", name: event.target.closest("[data-input]").dataset.input });
    }
  }

  act(action, row, button) {
    const name = row?.dataset.name;
    if (action === "rename") this.rename(row);
    else if (action === "duplicate") this.send({ do: "duplicate", name });
    else if (action === "toggle") this.send({ do: "toggle", name, on: row.row.state === "off" });
    else if (action === "delete") this.remove(row);
    else if (action === "insert-below") this.insertAt(this.indexOf(row) + 1);
    else if (action === "insert-here") this.insertAt(Number(button.parentNode.dataset.at));
    else if (action === "forget") this.insertAt(null);
  }

  pressed(event) {
    if (event.target.closest("input")) return;
    const control = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const row = this.focusedRow();
    const input = event.target.closest("[data-input]");
    let handled = true;
    if (control && key === "z") this.send({ do: event.shiftKey ? "redo" : "undo" });
    else if (control && key === "y") this.send({ do: "redo" });
    else if (key === "Escape" && this.data.insertAt != null) this.insertAt(null);
    else if (input && (key === "Enter" || key === " ")) this.send({ do: "input", name: input.dataset.input });
    else if (!row) handled = false;
    else if (event.altKey && key === "ArrowUp") this.step(row, -1);
    else if (event.altKey && key === "ArrowDown") this.step(row, 1);
    else if (control && key === "d") this.send({ do: "duplicate", name: row.dataset.name });
    else if (control || event.altKey) handled = false;
    else if (key === "ArrowUp") this.walk(row, -1);
    else if (key === "ArrowDown") this.walk(row, 1);
    else if (key === "PageUp") this.walk(row, -10);
    else if (key === "PageDown") this.walk(row, 10);
    else if (key === "Home") this.walk(row, -this.rows.size);
    else if (key === "End") this.walk(row, this.rows.size);
    else if (event.target !== row) handled = false;
    else if (key === "Delete" || key === "Backspace") this.remove(row);
    else if (key === "F2") this.rename(row);
    else if (key === "Enter" || key === " ") this.choose(row.dataset.name);
    else handled = false;
    if (!handled) return;
    event.preventDefault();
    // Streamlit has one-letter shortcuts of its own on the document.
    event.stopPropagation();
  }

  walk(row, step) {
    const all = this.rowElements();
    const to = Math.min(all.length - 1, Math.max(0, all.indexOf(row) + step));
    this.choose(all[to].dataset.name, { wait: SELECT_DELAY_MS });
    all[to].focus({ preventScroll: true });
  }

  /** Moves a row by one place. A held key waits for each answer, as a move may rename layers. */
  step(row, by) {
    if (this.channel.waitsFor(isStructural)) return;
    const all = this.rowElements();
    const to = all.indexOf(row) + by;
    if (to < 0 || to >= all.length) return;
    this.list.insertBefore(row, by < 0 ? all[to] : nextRow(all[to]));
    row.focus({ preventScroll: true });
    this.reveal(row);
    this.send({ do: "move", name: row.dataset.name, to });
  }

  dropped(event) {
    this.root.classList.remove("dragging");
    if (event.oldDraggableIndex === event.newDraggableIndex) return;
    this.send({ do: "move", name: event.item.dataset.name, to: event.newDraggableIndex });
  }

  remove(row) {
    if (this.channel.waitsFor(isStructural)) return;
    row.classList.add("leaving");
    this.send({ do: "delete", name: row.dataset.name });
  }

  insertAt(at) {
    this.showInserter(null);
    this.drawMarker(at);
    this.send({ do: "insert", at });
  }

  rename(row) {
    const label = row.querySelector(".line .name");
    if (!label) return;
    const old = row.dataset.name;
    const input = el("input", {
      class: "rename",
      type: "text",
      value: old,
      spellcheck: "false",
      autocomplete: "off",
      "aria-label": `New name of ${old}`,
      size: Math.max(8, old.length + 2),
    });
    let done = false;
    const finish = (keep) => {
      if (done) return;
      done = true;
      const name = input.value.trim();
      const focused = input.matches(":focus");
      input.replaceWith(label);
      if (keep && name && name !== old) {
        label.textContent = name;
        this.send({ do: "rename", name: old, new: name });
      }
      if (focused) row.focus({ preventScroll: true });
    };
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") finish(true);
      else if (event.key === "Escape") finish(false);
    });
    input.addEventListener("blur", () => finish(true));
    label.replaceWith(input);
    input.focus();
    input.select();
  }

  // --- a layer dragged here from the palette ----------------------------------------------------------

  draggedOver(event) {
    if (!event.dataTransfer?.types.includes(DRAGGED_LAYER)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    this.showInserter(this.gapAt(event, Infinity));
  }

  droppedFromPalette(event) {
    const op = event.dataTransfer?.getData(DRAGGED_LAYER);
    if (!op) return;
    event.preventDefault();
    const gap = this.gapAt(event, Infinity);
    this.showInserter(null);
    this.send({ do: "add", op, at: gap ? gap.at : this.rows.size });
  }

  // --- small things -------------------------------------------------------------------------------------

  rowElements() {
    return [...this.list.children].filter(isRow);
  }

  firstRow() {
    const first = this.list.firstElementChild;
    return first && !isRow(first) ? nextRow(first) : first;
  }

  indexOf(row) {
    return this.rowElements().indexOf(row);
  }

  focusedRow() {
    const active = this.root.getRootNode().activeElement;
    return active?.closest(".row") ?? null;
  }
}

const isRow = (node) => node.classList.contains("row");

const rowOf = (event) => event.target.closest(".row");

function nextRow(node) {
  let next = node.nextElementSibling;
  while (next && !isRow(next)) next = next.nextElementSibling;
  return next;
}

export default function (component) {
  return mount(component, (root, channel) => new LayerList(root, channel));
}
