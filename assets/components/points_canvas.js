// The points canvas. A stroke is drawn at once and sent when it ends; Python answers with all points.
//
// With the keyboard: the arrows move a cross, Space puts a point there (or erases), the digits choose
// a class, E the eraser, Ctrl+Z undoes.

const TOOLS = {
  point: { label: "Points", title: "A point for each click; a drag leaves a trail" },
  spray: { label: "Spray", title: "A cloud of points around the pointer" },
  erase: { label: "Erase", title: "What the pointer touches goes (E)" },
};
// In units of the plane, which is 2 wide.
const GAP = 0.06;
const CLOUD = 0.13;
const ERASER = 0.07;
const STEP = 0.05;
const LEAP = 0.2;
// As much as one message may hold.
const LONGEST = 2000;

class PointsCanvas {
  constructor(root, channel) {
    this.channel = channel;
    this.root = root.querySelector(".points-canvas");
    this.classes = this.root.querySelector(".classes");
    this.ways = this.root.querySelector(".ways");
    this.acts = this.root.querySelector(".acts");
    this.plane = this.root.querySelector(".plane");
    this.told = this.root.querySelector(".told");
    this.points = [];
    this.chosen = 0;
    this.tool = "point";
    this.cross = null;
    this.stroke = null;
    this.makeTools();
    this.listen();
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(this.plane);
  }

  destroy() {
    this.resizes.disconnect();
  }

  render(data) {
    this.extent = data.extent;
    this.colours = data.colours;
    this.undoable = data.undoable;
    if (this.classes.childElementCount !== data.colours.length) this.makeClasses();
    if (!this.stroke) this.points = data.points;
    this.show();
  }

  // --- tools -------------------------------------------------------------------------------------

  makeTools() {
    const button = (label, title, click) => el("button", { type: "button", title, text: label, on: { click } });
    this.buttons = {};
    for (const [name, { label, title }] of Object.entries(TOOLS)) {
      this.buttons[name] = button(label, title, () => this.use(name));
      this.ways.append(this.buttons[name]);
    }
    this.undo = button("Undo", "Take back the last stroke (Ctrl+Z)", () => this.send({ do: "undo" }));
    this.clear = button("Clear", "Take all points away; undo brings them back", () => this.wipe());
    this.acts.append(this.undo, this.clear);
  }

  makeClasses() {
    this.counts = this.colours.map(() => el("span"));
    this.classes.replaceChildren(
      ...this.colours.map((colour, number) => {
        const dot = el("span", { class: "dot", "aria-hidden": "true" });
        dot.style.setProperty("--dot", colour);
        const click = () => this.choose(number);
        const title = `Class ${number} (key ${number})`;
        return el("button", { type: "button", title, on: { click } }, dot, this.counts[number]);
      }),
    );
  }

  choose(number) {
    this.chosen = number;
    if (this.tool === "erase") this.tool = "point";
    this.show();
  }

  use(tool) {
    this.tool = tool;
    this.show();
  }

  wipe() {
    this.points = [];
    this.undoable = true;
    this.send({ do: "clear" });
    this.show();
  }

  send(intent) {
    this.channel.send(intent);
  }

  // --- drawing -----------------------------------------------------------------------------------

  show() {
    const counts = this.colours.map((_, number) => this.points.filter((point) => point[2] === number).length);
    [...this.classes.children].forEach((button, number) => {
      const on = this.tool !== "erase" && number === this.chosen;
      button.setAttribute("aria-pressed", String(on));
      button.setAttribute("aria-label", `Class ${number}, ${counts[number]} points`);
      this.counts[number].textContent = counts[number] ? `${number} · ${counts[number]}` : `${number}`;
    });
    for (const [name, button] of Object.entries(this.buttons)) {
      button.setAttribute("aria-pressed", String(name === this.tool));
    }
    this.undo.disabled = !this.undoable;
    this.clear.disabled = this.points.length === 0;
    this.plane.setAttribute(
      "aria-label",
      `Plane with ${this.points.length} points. Arrows move a cross, Space puts a point, ` +
        `digits choose a class, E erases.`,
    );
    this.plane.dataset.points = this.points.length;
    this.draw();
  }

  draw() {
    const side = this.plane.clientWidth;
    if (!side || !this.colours) return;
    const sharp = window.devicePixelRatio || 1;
    this.plane.width = this.plane.height = Math.round(side * sharp);
    const pen = this.plane.getContext("2d");
    pen.scale(sharp, sharp);
    const style = getComputedStyle(this.root);
    this.drawGrid(pen, side, style.getPropertyValue("color"));
    pen.lineWidth = 1;
    pen.strokeStyle = "white";
    for (const [x, y, number] of this.points) {
      const [across, down] = this.place(x, y, side);
      pen.beginPath();
      pen.arc(across, down, 5, 0, 2 * Math.PI);
      pen.fillStyle = this.colours[number];
      pen.fill();
      pen.stroke();
    }
    if (this.cross) this.drawCross(pen, side, style.getPropertyValue("color"));
  }

  drawGrid(pen, side, ink) {
    pen.strokeStyle = ink;
    pen.fillStyle = ink;
    pen.font = "11px sans-serif";
    for (const at of [-0.5, 0, 0.5]) {
      const [across, down] = this.place(at * this.extent, at * this.extent, side);
      pen.globalAlpha = at === 0 ? 0.3 : 0.12;
      pen.beginPath();
      pen.moveTo(across, 0);
      pen.lineTo(across, side);
      pen.moveTo(0, down);
      pen.lineTo(side, down);
      pen.stroke();
      pen.globalAlpha = 0.55;
      pen.fillText(String(at * this.extent), across + 3, side - 5);
      if (at) pen.fillText(String(at * this.extent), 4, down - 4);
    }
    pen.globalAlpha = 1;
  }

  drawCross(pen, side, ink) {
    const [across, down] = this.place(...this.cross, side);
    pen.strokeStyle = this.tool === "erase" ? ink : this.colours[this.chosen];
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(across - 9, down);
    pen.lineTo(across + 9, down);
    pen.moveTo(across, down - 9);
    pen.lineTo(across, down + 9);
    pen.stroke();
  }

  place(x, y, side) {
    return [(x / this.extent + 1) * (side / 2), (1 - y / this.extent) * (side / 2)];
  }

  // --- what a person does --------------------------------------------------------------------------

  listen() {
    this.plane.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.colours) return;
      this.plane.setPointerCapture(event.pointerId);
      this.cross = null;
      this.begin(this.under(event));
    });
    this.plane.addEventListener("pointermove", (event) => {
      const at = this.under(event);
      this.told.textContent = `${at[0].toFixed(2)} across, ${at[1].toFixed(2)} up`;
      if (this.stroke) this.go(at);
    });
    this.plane.addEventListener("pointerup", () => this.end());
    this.plane.addEventListener("pointercancel", () => this.end());
    this.plane.addEventListener("blur", () => {
      this.cross = null;
      this.draw();
    });
    this.root.addEventListener("keydown", (event) => {
      // Streamlit has one-letter shortcuts of its own on the document.
      event.stopPropagation();
      if (this.pressed(event)) event.preventDefault();
    });
  }

  under(event) {
    const box = this.plane.getBoundingClientRect();
    return this.within(
      ((event.clientX - box.left) / box.width) * 2 - 1,
      1 - ((event.clientY - box.top) / box.height) * 2,
    );
  }

  within(x, y) {
    const bound = (v) => Math.round(Math.min(1, Math.max(-1, v)) * this.extent * 1e4) / 1e4;
    return [bound(x), bound(y)];
  }

  begin(at) {
    this.stroke = { last: at, points: [], places: [] };
    this.mark(at);
  }

  go(at) {
    const [x, y] = this.stroke.last;
    if (Math.hypot(at[0] - x, at[1] - y) < (this.tool === "erase" ? ERASER / 2 : GAP)) return;
    this.stroke.last = at;
    this.mark(at);
  }

  mark(at) {
    const { points, places } = this.stroke;
    if (this.tool === "erase") {
      if (places.length >= LONGEST) return;
      places.push(at);
      this.points = this.points.filter(([x, y]) => Math.hypot(x - at[0], y - at[1]) > ERASER);
    } else {
      const added = this.tool === "spray" ? Array.from({ length: 4 }, () => this.near(at)) : [at];
      const made = added.slice(0, LONGEST - points.length).map(([x, y]) => [x, y, this.chosen]);
      points.push(...made);
      this.points = [...this.points, ...made];
    }
    this.show();
  }

  /** A place drawn from a bell about another. */
  near([x, y]) {
    const far = CLOUD * Math.sqrt(-2 * Math.log(1 - Math.random())) * 0.6;
    const turn = 2 * Math.PI * Math.random();
    return this.within((x + far * Math.cos(turn)) / this.extent, (y + far * Math.sin(turn)) / this.extent);
  }

  end() {
    if (!this.stroke) return;
    const { points, places } = this.stroke;
    this.stroke = null;
    this.undoable = true;
    if (points.length) this.send({ do: "add", points });
    if (places.length) this.send({ do: "erase", places, radius: ERASER });
    this.show();
  }

  pressed(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      if (this.undoable) this.send({ do: "undo" });
      return true;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (/^\d$/.test(event.key) && Number(event.key) < this.colours.length) {
      this.choose(Number(event.key));
      return true;
    }
    if (event.key.toLowerCase() === "e") {
      this.use(this.tool === "erase" ? "point" : "erase");
      return true;
    }
    return event.target === this.plane && this.moved(event);
  }

  moved(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const move = moves[event.key];
    if (move) {
      const [x, y] = this.cross ?? [0, 0];
      const step = event.shiftKey ? LEAP : STEP;
      this.cross = this.cross
        ? this.within(x / this.extent + move[0] * step, y / this.extent + move[1] * step)
        : [0, 0];
      this.told.textContent = `${this.cross[0].toFixed(2)} across, ${this.cross[1].toFixed(2)} up`;
      this.draw();
      return true;
    }
    if (event.key !== " " && event.key !== "Enter") return false;
    this.cross ??= [0, 0];
    this.begin(this.cross);
    this.end();
    return true;
  }
}

export default function (component) {
  return mount(component, (root, channel) => new PointsCanvas(root, channel));
}
