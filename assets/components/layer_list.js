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
    this.drawPorts(this.inputs, data.inputs, "input");
    this.drawPorts(this.outputs, data.outputs, "output");
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
        node = this.makeRow(row);
        this.rows.set(row.name, node);
      }
      this.updateRow(node, row);
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

  makeRow(row) {
    return el(
      "div",
      { class: "row", role: "row", tabindex: "-1", "data-name": row.name },
      el("span", { class: "grip", title: "Drag to move (Alt+↑ and Alt+↓)", "aria-hidden": "true" }, icon("grip")),
      el(
        "div",
        { class: "main", role: "gridcell" },
        el("div", { class: "line" }),
        el("div", { class: "summary" }),
      ),
      el("div", { class: "shape", role: "gridcell" }),
      el(
        "div",
        { class: "params", role: "gridcell" },
        el("span", { class: "count" }),
        el("span", { class: "share", "aria-hidden": "true" }, el("i")),
      ),
    );
  }

  updateRow(node, row) {
    const signature = JSON.stringify(row);
    if (node.signature === signature) return;
    node.signature = signature;
    node.row = row;
    const kept = ["chosen", "hovered"].filter((name) => node.classList.contains(name));
    node.className = ["row", row.state, ...kept].join(" ");
    node.dataset.name = row.name;
    node.style.setProperty("--group", row.colour);
    node.querySelector(".grip").title = `Drag to move ${row.title} (Alt+↑ and Alt+↓)`;
    const line = node.querySelector(".line");
    if (!line.querySelector(".rename")) line.replaceChildren(...this.headline(row));
    const summary = node.querySelector(".summary");
    summary.replaceChildren(...row.summary.flatMap(([text, inferred]) => summaryPart(text, inferred)));
    summary.title = row.summary.map(([text]) => text).join("");
    const shape = node.querySelector(".shape");
    shape.replaceChildren(...shapeParts(row.shape));
    shape.title = row.shape ? `Output ${row.shape}` : "";
    const count = node.querySelector(".count");
    count.textContent = row.state === "unreached" ? "" : row.params ? formatCount(row.params) : "—";
    count.classList.toggle("none", !row.params);
    count.title = row.params
      ? `${row.params.toLocaleString("en-US")} parameters, ${(row.share * 100).toFixed(1)} % of the model`
      : "No parameters";
    const bar = node.querySelector(".share");
    bar.hidden = !row.params;
    bar.firstChild.style.width = `${Math.max(row.share * 100, 1.5)}%`;
    for (const note of node.querySelectorAll(".note")) note.remove();
    if (row.message) node.append(makeNote("fault", row.message, row.fixes));
    if (row.warning) node.append(makeNote("warning", row.warning, row.warningFixes));
    const bar_ = node.querySelector(".actions");
    if (bar_) this.addActions(node);
    node.setAttribute("aria-label", describe(row));
  }

  headline(row) {
    return [
      el("span", { class: "chip", title: row.group, "aria-hidden": "true" }),
      el("span", { class: "title", text: row.title, title: row.op }),
      el("span", { class: "name", text: row.name, title: "Double-click or F2 to rename" }),
      row.state === "off" ? el("span", { class: "badge", text: "off" }) : null,
      row.inputs ? el("span", { class: "from", text: row.inputs, title: row.inputs }) : null,
    ].filter(Boolean);
  }

  drawPorts(parent, ports, kind) {
    const signature = JSON.stringify(ports);
    if (parent.signature === signature) return;
    parent.signature = signature;
    parent.replaceChildren(
      ...ports.map((port) =>
        el(
          "div",
          {
            class: `port ${port.selected ? "chosen" : ""}`,
            role: "row",
            tabindex: kind === "input" ? "0" : null,
            "aria-selected": kind === "input" ? String(port.selected) : null,
            "data-input": kind === "input" ? port.name : null,
          },
          el("span", { class: "port-icon" }, icon(kind)),
          el(
            "div",
            { class: "main", role: "gridcell" },
            el("span", { class: "title", text: kind === "input" ? "Input" : "Output" }),
            el("span", { class: "name", text: port.name }),
            el("span", { class: "from", text: port.dtype }),
          ),
          el("div", { class: "shape", role: "gridcell" }, ...shapeParts(port.shape)),
          el("div", { class: "params", role: "gridcell" }),
        ),
      ),
    );
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
    this.addActions(node);
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

  addActions(node) {
    node.querySelector(".actions")?.remove();
    const off = node.row.state === "off";
    node.querySelector(".main").append(
      el(
        "div",
        { class: "actions", role: "toolbar", "aria-label": `Edit ${node.row.name}` },
        iconButton("pencil", "Rename (F2)", "rename"),
        iconButton("copy", "Duplicate (Ctrl+D)", "duplicate"),
        iconButton(off ? "eyeOff" : "eye", off ? "Switch on" : "Switch off", "toggle"),
        iconButton("plus", "Put the next layer below this one", "insert-below"),
        iconButton("trash", "Delete (Del)", "delete"),
      ),
    );
  }

  hover(node, at) {
    if (node === this.hovered) return;
    const old = this.hovered;
    this.hovered = node;
    old?.classList.remove("hovered");
    node?.classList.add("hovered");
    if (old && old.dataset.name !== this.selected) old.querySelector(".actions")?.remove();
    if (node && !node.querySelector(".actions")) {
      this.addActions(node);
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

function summaryPart(text, inferred) {
  if (!inferred) return [text];
  const words = text.trimEnd();
  return [
    el("span", { class: "inferred", text: words, title: "Worked out from the layer before" }),
    text.slice(words.length),
  ];
}

/** A shape as text whose batch letter is faint, so that the sizes stand out. */
function shapeParts(shape) {
  if (!shape) return [el("span", { class: "unknown", text: "—" })];
  const match = /^\(N(,?)( ?)/.exec(shape);
  if (!match) return [document.createTextNode(shape)];
  return [
    el("span", { class: "batch", text: `(N${match[1]}${match[2]}` }),
    document.createTextNode(shape.slice(match[0].length, -1)),
    el("span", { class: "batch", text: ")" }),
  ];
}

function makeNote(kind, message, fixes) {
  return el(
    "div",
    { class: `note ${kind}-note`, role: "gridcell" },
    icon(kind),
    el("span", { class: "message", text: message }),
    fixes.length
      ? el(
          "span",
          { class: "fixes" },
          ...fixes.map((label, index) =>
            el("button", { type: "button", class: "fix", text: label, "data-fix": index, "data-of": kind }),
          ),
        )
      : null,
  );
}

function describe(row) {
  const words = [row.title, row.name, row.summary.map(([text]) => text).join("")];
  if (row.state === "off") words.push("switched off");
  if (row.state === "unreached") words.push("not reached");
  if (row.shape) words.push(`output ${row.shape}`);
  if (row.params) words.push(`${row.params} parameters`);
  if (row.message) words.push(`fault: ${row.message}`);
  if (row.warning) words.push(`warning: ${row.warning}`);
  return words.filter(Boolean).join(", ");
}

export default function (component) {
  return mount(component, (root, channel) => new LayerList(root, channel));
}
