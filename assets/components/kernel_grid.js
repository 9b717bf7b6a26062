// The kernel grid: every cell is an input. A large kernel is drawn small, without its numbers, and
// what is typed into a cell is seen in the box above it.

// A cell that shows its number is at least this wide, in pixels.
const ROOMY = { least: 46, most: 64, height: 36, columns: 15 };
const COMPACT = { least: 11, most: 26, tallest: 440 };
const RIM = 4;
// How far up its scale the largest number of a kernel is coloured: text on it stays easy to read.
const STRONGEST = 0.86;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

class KernelGrid {
  constructor(root, channel) {
    this.channel = channel;
    this.root = root.querySelector(".kernel-grid");
    this.bar = this.root.querySelector(".bar");
    this.place = this.bar.querySelector(".place");
    this.edit = this.bar.querySelector(".edit");
    this.grid = this.root.querySelector(".cells");
    this.message = this.root.querySelector(".message");
    this.message.id = `ll-message-${channel.client}`;
    this.cells = [];
    this.shape = "";
    this.width = 0;
    this.listen();
    this.resizes = new ResizeObserver(([entry]) => {
      if (entry.contentRect.width === this.width) return;
      this.width = entry.contentRect.width;
      this.measure();
    });
    this.resizes.observe(this.root);
  }

  destroy() {
    this.resizes.disconnect();
  }

  // --- drawing -----------------------------------------------------------------------------------

  render(data) {
    this.editable = data.editable;
    const [rows, columns] = [data.values.length, data.values[0].length];
    const shape = `${rows} by ${columns}`;
    const numbers = data.values.flat().map(Number);
    if (shape !== this.shape) this.make(rows, columns, shape);
    const changed = this.cells.filter((cell, index) => !Object.is(cell.number, numbers[index]));
    // One new number is an answer to what was typed; many are another kernel.
    const another = changed.length > 1;
    this.cells.forEach((cell, index) => {
      const old = cell.number;
      cell.number = numbers[index];
      cell.readOnly = !data.editable;
      const typing = cell === this.focused() && cell.draft;
      if (another || !Object.is(old, cell.number) || !cell.draft) {
        if (!(typing && Object.is(old, cell.number))) this.show(cell);
      }
    });
    this.edit.readOnly = !data.editable;
    this.paint();
    this.tellFaults();
    if (!this.current) this.look(this.at((rows - 1) >> 1, (columns - 1) >> 1));
    else this.look(this.current);
  }

  make(rows, columns, shape) {
    const place = this.focused();
    this.shape = shape;
    this.rows = rows;
    this.columns = columns;
    this.cells = [];
    this.current = null;
    this.grid.setAttribute("aria-label", `Kernel, ${shape}`);
    this.grid.replaceChildren(
      ...Array.from({ length: rows }, (_, row) =>
        el("div", { role: "row" }, ...Array.from({ length: columns }, (_, column) => this.makeCell(row, column))),
      ),
    );
    this.measure();
    if (place) this.at(Math.min(place.row, rows - 1), Math.min(place.column, columns - 1)).focus();
  }

  makeCell(row, column) {
    const cell = el("input", {
      type: "text",
      class: "cell",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": `Row ${row + 1}, column ${column + 1}`,
    });
    Object.assign(cell, { row, column, number: null, draft: false });
    this.cells.push(cell);
    return el("div", { role: "gridcell" }, cell);
  }

  measure() {
    if (this.width === 0 || this.cells.length === 0) return;
    const share = (this.width - RIM) / this.columns - 2;
    const roomy = share >= ROOMY.least && Math.max(this.rows, this.columns) <= ROOMY.columns;
    const small = Math.min(share + 1, COMPACT.tallest / this.rows - 1, COMPACT.most);
    const side = Math.floor(Math.max(small, COMPACT.least));
    this.root.classList.toggle("compact", !roomy);
    this.bar.hidden = roomy;
    this.grid.style.setProperty("--columns", this.columns);
    this.grid.style.setProperty("--width", `${roomy ? Math.floor(Math.min(share, ROOMY.most)) : side}px`);
    this.grid.style.setProperty("--height", `${roomy ? ROOMY.height : side}px`);
    this.compact = !roomy;
    this.rove();
  }

  /** A large grid is one stop of the Tab key; in a small one Tab goes from cell to cell. */
  rove() {
    for (const cell of this.cells) cell.tabIndex = !this.compact || cell === this.current ? 0 : -1;
  }

  /** Writes the number of a cell: short, or in full where the focus is. */
  show(cell) {
    cell.draft = false;
    cell.fault = null;
    cell.removeAttribute("aria-invalid");
    cell.removeAttribute("aria-describedby");
    const full = String(cell.number);
    const active = cell === this.focused();
    cell.value = active ? full : short(cell.number);
    if (active) cell.select();
    cell.title = full;
    if (cell === this.current && this.edit !== this.active()) this.edit.value = full;
  }

  paint() {
    const scale = colours(this.root);
    const finite = this.cells.map((cell) => Math.abs(cell.number)).filter(Number.isFinite);
    const most = Math.max(...finite) || 1;
    for (const cell of this.cells) {
      const part = Number.isFinite(cell.number) ? (cell.number / most) * STRONGEST : 0;
      const { paint, ink } = scale(part);
      cell.style.setProperty("--paint", paint);
      cell.style.setProperty("--ink", ink);
    }
  }

  // --- where we are ------------------------------------------------------------------------------

  at(row, column) {
    return this.cells[row * this.columns + column];
  }

  active() {
    return this.root.getRootNode().activeElement;
  }

  focused() {
    const active = this.active();
    return active?.classList.contains("cell") ? active : null;
  }

  /** Shows a cell in the box above. */
  look(cell) {
    this.current?.classList.remove("current");
    this.current = cell;
    cell.classList.add("current");
    this.place.textContent = `Row ${cell.row + 1}, column ${cell.column + 1}`;
    if (this.edit !== this.active()) this.edit.value = cell.draft ? cell.value : String(cell.number);
    this.edit.setAttribute("aria-invalid", String(Boolean(cell.fault)));
    if (this.compact) this.rove();
  }

  go(cell, down, across) {
    const [row, column] = [cell.row + down, cell.column + across];
    if (row < 0 || column < 0 || row >= this.rows || column >= this.columns) return false;
    this.at(row, column).focus();
    return true;
  }

  // --- what a person does --------------------------------------------------------------------------

  listen() {
    this.grid.addEventListener("focusin", ({ target: cell }) => {
      if (!cell.draft) cell.value = String(cell.number);
      cell.select();
      this.look(cell);
    });
    this.grid.addEventListener("focusout", ({ target: cell }) => {
      if (cell.draft) this.commit(cell);
      else cell.value = short(cell.number);
    });
    // A click selects the whole number; a second one places the caret.
    this.grid.addEventListener("mousedown", (event) => {
      const cell = event.target.closest(".cell");
      if (!cell || cell === this.focused()) return;
      event.preventDefault();
      cell.focus();
    });
    this.grid.addEventListener("mouseover", (event) => {
      const cell = event.target.closest(".cell");
      if (cell && this.compact && !this.focused() && this.edit !== this.active()) this.look(cell);
    });
    this.grid.addEventListener("input", ({ target: cell }) => {
      cell.draft = true;
      this.edit.value = cell.value;
    });
    this.grid.addEventListener("paste", (event) => this.pasted(event, event.target));
    this.edit.addEventListener("input", () => {
      this.current.draft = true;
      this.current.value = this.edit.value;
    });
    this.edit.addEventListener("paste", (event) => this.pasted(event, this.current));
    this.edit.addEventListener("focus", () => this.edit.select());
    this.edit.addEventListener("blur", () => {
      if (this.current.draft) this.commit(this.current);
    });
    this.root.addEventListener("keydown", (event) => {
      // Streamlit has one-letter shortcuts of its own on the document.
      event.stopPropagation();
      if (this.pressed(event)) event.preventDefault();
    });
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const inBar = event.target === this.edit;
    const cell = inBar ? this.current : event.target;
    if (event.key === "Escape") {
      if (!cell.draft) return false;
      this.show(cell);
      this.edit.value = String(cell.number);
      this.tellFaults();
      return true;
    }
    if (event.key === "Enter") {
      if (cell.draft && !this.commit(cell)) return true;
      if (inBar) cell.focus();
      else if (!this.go(cell, event.shiftKey ? -1 : 1, 0)) cell.select();
      return true;
    }
    if (inBar) return false;
    if (event.key === "ArrowUp") return this.go(cell, -1, 0);
    if (event.key === "ArrowDown") return this.go(cell, 1, 0);
    const { selectionStart: start, selectionEnd: end, value } = cell;
    const whole = start === 0 && end === value.length;
    // Within a number that is being written the arrows move the caret.
    if (event.key === "ArrowLeft" && !event.shiftKey && (whole || end === 0)) return this.go(cell, 0, -1);
    if (event.key === "ArrowRight" && !event.shiftKey && (whole || start === value.length)) return this.go(cell, 0, 1);
    return false;
  }

  /** Sends what stands in a cell, unless it means nothing; true when the cell is in order. */
  commit(cell) {
    const text = tidy(cell.value) || "0";
    const number = meaning(text);
    if (number === null) {
      cell.fault = `“${cell.value.trim().slice(0, 40)}” is no number. Write one such as 0.5, -1, 2e-3 or 1/9.`;
      cell.setAttribute("aria-invalid", "true");
      cell.setAttribute("aria-describedby", this.message.id);
      this.tellFaults();
      return false;
    }
    const same = Object.is(number, cell.number);
    cell.number = number;
    this.show(cell);
    this.tellFaults();
    this.paint();
    if (!same) this.channel.send({ do: "set", row: cell.row, column: cell.column, text });
    return true;
  }

  pasted(event, cell) {
    const text = event.clipboardData.getData("text/plain");
    if (!this.editable || !isBlock(text)) return;
    event.preventDefault();
    this.show(cell);
    this.tellFaults();
    this.channel.send({ do: "fill", row: cell.row, column: cell.column, text });
  }

  tellFaults() {
    const faulty = this.cells.filter((cell) => cell.fault);
    const [cell] = faulty;
    const more = faulty.length > 1 ? ` (${faulty.length - 1} more like it.)` : "";
    const text = cell ? `Row ${cell.row + 1}, column ${cell.column + 1}: ${cell.fault}${more}` : "";
    if (this.message.textContent !== text) this.message.textContent = text;
    this.edit.setAttribute("aria-invalid", String(Boolean(this.current?.fault)));
  }
}

/** Text as Python reads it: a plain minus sign, no blanks around. */
function tidy(text) {
  return text.trim().replace(/[−–]/g, "-");
}

/** The finite number that a text says, or null. */
function meaning(text) {
  const parts = text.split("/").map((part) => part.trim());
  if (parts.length > 2 || !parts.every((part) => NUMBER.test(part))) return null;
  const number = parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(parts[0]);
  return Number.isFinite(number) ? number : null;
}

/** Whether a pasted text is more than one number. */
function isBlock(text) {
  return /[\t\n\r,;]|\S\s+\S/.test(text.trim()) && meaning(tidy(text)) === null;
}

export default function (component) {
  return mount(component, (root, channel) => new KernelGrid(root, channel));
}
