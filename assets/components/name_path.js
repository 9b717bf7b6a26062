// A name taken apart: the way to it lights up in the tree and in the code, each part in a colour of
// its own. All of it happens here; Python only says what stands where.

// Colours of the parts of a name, from the model itself inwards; they come again after the last.
const PARTS = 6;

class NamePath {
  constructor(root) {
    this.root = root.querySelector(".name-path");
    this.full = this.root.querySelector(".full");
    this.why = this.root.querySelector(".why");
    this.code = this.root.querySelector(".code-lines");
    this.tree = new TreeRows(this.root.querySelector('[role="tree"]'), {
      pick: (id) => this.pin(id),
      point: (id) => this.show(id ?? this.pinned),
    });
    this.pinned = null;
    this.code.addEventListener("pointerover", (event) => this.pointAtLine(event));
    this.code.addEventListener("pointerleave", () => this.show(this.pinned));
  }

  destroy() {}

  render(data) {
    this.root.style.setProperty("--height", `${data.height}px`);
    this.data = data;
    this.tree.render(data.rows, []);
    if (data.code.join("\n") !== this.written) this.write(data.code);
    const known = data.rows.some((row) => row.id === this.pinned);
    this.pin(known ? this.pinned : data.first);
  }

  write(lines) {
    this.written = lines.join("\n");
    this.lines = lines.map((text, index) =>
      el(
        "div",
        { class: "code-line", "data-line": index + 1 },
        el("span", { class: "number", text: index + 1, "aria-hidden": "true" }),
        el("span", { class: "text", text: text || " " }),
      ),
    );
    this.code.replaceChildren(...this.lines);
  }

  pin(id) {
    this.pinned = id;
    this.tree.select(id);
    this.show(id);
  }

  /** Lights the way to a name, and says where each of its parts comes from. */
  show(id) {
    const path = this.tree.path(id);
    const rows = path.map((name) => this.data.rows.find((row) => row.id === name));
    this.clear();
    this.tree.light(path);
    path.forEach((name, part) => {
      const colour = `part-${part % PARTS}`;
      this.tree.nodes.get(name).classList.add(colour);
      for (const line of this.data.places[name] ?? []) this.lines[line - 1].classList.add("lit", colour);
    });
    this.full.replaceChildren(
      ...rows.slice(1).flatMap((row, index) => [
        index ? el("span", { class: "dot", text: "." }) : null,
        el("span", { class: `part part-${(index + 1) % PARTS}`, text: row.name }),
      ]).filter(Boolean),
    );
    if (rows.length === 1) this.full.replaceChildren(el("span", { class: "part part-0", text: '""' }));
    this.why.replaceChildren(
      ...rows.map((row, index) =>
        el(
          "li",
          {},
          el("span", { class: `part part-${index % PARTS}`, text: row.name }),
          document.createTextNode(` ${this.data.words[row.id]}`),
        ),
      ),
    );
    this.scrollTo(this.lines.findLast((line) => line.classList.contains("lit")));
  }

  clear() {
    for (const node of [...this.tree.nodes.values(), ...this.lines]) {
      node.classList.remove("lit", ...Array.from({ length: PARTS }, (_, part) => `part-${part}`));
    }
  }

  /** Scrolls the code, and only the code, until a line is seen. */
  scrollTo(line) {
    if (!line) return;
    const scroller = this.code.closest(".scroll");
    const box = line.getBoundingClientRect();
    const frame = scroller.getBoundingClientRect();
    if (box.top < frame.top) scroller.scrollTop -= frame.top - box.top + 8;
    else if (box.bottom > frame.bottom) scroller.scrollTop += box.bottom - frame.bottom + 8;
  }

  /** Lights all that a line of the code makes. */
  pointAtLine(event) {
    const line = event.target.closest(".code-line");
    if (!line) return;
    const number = Number(line.dataset.line);
    const made = Object.keys(this.data.places).filter((id) => this.data.places[id].includes(number));
    if (!made.length) return;
    this.clear();
    this.tree.light(made);
    line.classList.add("lit");
    this.full.replaceChildren(el("span", { class: "part", text: made.join(", ") }));
    this.why.replaceChildren(
      el("li", { text: `Line ${number} makes ${made.length === 1 ? "it" : `all ${made.length}`}.` }),
    );
  }
}

export default function (component) {
  return mount(component, (root) => new NamePath(root));
}
