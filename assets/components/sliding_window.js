// The sliding window: plays and steps through the positions of a window, and says what each adds up to.

// Positions a second, from the left end of the slider to its right.
const SPEED = { least: 0.5, most: 32, first: 3 };
// More terms than this are shortened in the middle.
const TERMS = 9;
const LONGEST_PACE_MS = 160;

Object.assign(ICONS, {
  play: ["m7 4 13 8-13 8z"],
  pause: ["M8 5v14", "M16 5v14"],
  back: ["m17 5-9 7 9 7z", "M6 5v14"],
  forward: ["m7 5 9 7-9 7z", "M18 5v14"],
  start: ["m20 6-7 6 7 6z", "m12 6-7 6 7 6z", "M3 6v12"],
});

class SlidingWindow {
  constructor(root, channel) {
    this.channel = channel;
    this.root = root.querySelector(".sliding-window");
    this.stage = this.root.querySelector(".scene");
    this.sum = this.root.querySelector(".sum");
    this.status = this.root.querySelector('[role="status"]');
    this.scene = new Scene(this.stage);
    this.position = 0;
    this.width = 0;
    this.speed = SPEED.first;
    this.makeControls();
    this.listen();
    this.resizes = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry.contentRect.width);
      if (width === this.width) return;
      this.width = width;
      this.build();
    });
    this.resizes.observe(this.root);
  }

  destroy() {
    this.pause();
    this.resizes.disconnect();
  }

  render(data) {
    const { height, pickable, at } = data;
    const numbers = (rows) => rows.map((row) => row.map(Number));
    const fresh = { ...data, input: numbers(data.input), kernel: numbers(data.kernel), output: numbers(data.output), ack: null };
    const signature = JSON.stringify([data.input, data.padding, data.kernel, data.down, data.across, data.tops,
      data.lefts, data.output, data.rule, data.bias, data.countsPadding, data.divisor, height, pickable]);
    const theme = getComputedStyle(this.root).getPropertyValue("--st-background-color");
    const same = signature === this.signature && theme === this.theme;
    const sent = JSON.stringify(at);
    if (sent !== this.sentAt) this.position = at[0] * data.lefts.length + at[1];
    else if (this.data && this.data.lefts.length !== data.lefts.length) this.position = 0;
    this.sentAt = sent;
    this.signature = signature;
    this.theme = theme;
    this.data = fresh;
    this.count = data.tops.length * data.lefts.length;
    this.position = Math.max(0, Math.min(this.position, this.count - 1));
    if (same) this.show();
    else this.build();
  }

  build() {
    if (this.width === 0 || !this.data) return;
    this.root.classList.toggle("empty", this.count === 0);
    if (this.count === 0) {
      this.pause();
      this.sum.replaceChildren(sign("The window does not fit into the input."));
      return;
    }
    this.scene.build(this.data, this.width);
    this.show();
  }

  // --- moving --------------------------------------------------------------------------------------

  show({ pace = 0 } = {}) {
    if (this.width === 0 || this.count === 0) return;
    this.scene.show(this.position, { pace });
    const [row, column] = this.cell();
    this.where.textContent = `row ${row + 1}, column ${column + 1}`;
    this.root.dataset.position = this.position;
    this.sum.replaceChildren(...this.arithmetic(row, column));
    if (!this.timer) this.status.textContent = `Row ${row + 1}, column ${column + 1}: ${display(this.data.output[row][column])}`;
  }

  cell() {
    const { lefts } = this.data;
    return [Math.floor(this.position / lefts.length), this.position % lefts.length];
  }

  go(position) {
    const to = Math.max(0, Math.min(position, this.count - 1));
    if (to === this.position) return;
    this.position = to;
    this.show({ pace: Math.min(LONGEST_PACE_MS, 500 / this.speed) });
  }

  play() {
    if (this.count < 2) return;
    if (this.position === this.count - 1) this.go(0);
    const beat = () => {
      this.timer = setTimeout(beat, 1000 / this.speed);
      this.go(this.position + 1);
      if (this.position === this.count - 1) this.pause();
    };
    this.timer = setTimeout(beat, 1000 / this.speed);
    this.tellPlaying();
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.tellPlaying();
  }

  toggle() {
    if (this.timer) this.pause();
    else this.play();
  }

  step(by) {
    this.pause();
    this.go(this.position + by);
  }

  look() {
    if (!this.data.pickable) return;
    const [row, column] = this.cell();
    this.channel.send({ do: "look", row, column });
  }

  // --- what it adds up to --------------------------------------------------------------------------

  /** The numbers under the taps, in reading order. */
  terms(row, column) {
    const { input, padding, kernel, down, across, tops, lefts } = this.data;
    return down.flatMap((below, i) =>
      across.map((beside, j) => {
        const [y, x] = [tops[row] + below, lefts[column] + beside];
        return { value: input[y]?.[x] ?? 0, weight: kernel[i][j], padded: padding[y]?.[x] ?? true };
      }),
    );
  }

  arithmetic(row, column) {
    const { rule, bias, countsPadding, divisor, output } = this.data;
    const all = this.terms(row, column);
    const result = el("b", { class: "result", text: display(output[row][column]) });
    const equals = el("span", { class: "sign", text: " = " });
    if (rule === "sum") {
      const parts = all.map((term) => product(term));
      if (bias !== 0) parts.push(el("span", { class: "term", text: display(bias), title: "bias" }));
      return [...joined(parts, " + "), equals, result];
    }
    const counted = rule === "mean" && !countsPadding ? all.filter((term) => !term.padded) : all;
    const most = Math.max(...counted.map((term) => term.value));
    const parts = counted.map((term) => plainTerm(term, rule === "max" && term.value === most));
    if (rule === "max") return [sign("max( "), ...joined(parts, ", "), sign(" )"), equals, result];
    return [sign("( "), ...joined(parts, " + "), sign(` ) ÷ ${display(divisor ?? counted.length)}`), equals, result];
  }

  // --- what a person does --------------------------------------------------------------------------

  makeControls() {
    this.playing = iconButton("play", "Play (Space)", "play");
    this.where = el("span", { class: "where" });
    const range = Math.log2(SPEED.most / SPEED.least);
    this.slider = el("input", {
      type: "range",
      min: 0,
      max: 100,
      step: 1,
      value: Math.round((100 * Math.log2(SPEED.first / SPEED.least)) / range),
      "aria-label": "Speed",
    });
    this.slider.addEventListener("input", () => {
      this.speed = SPEED.least * 2 ** ((this.slider.value / 100) * range);
      this.tellSpeed();
    });
    this.root.querySelector(".controls").append(
      iconButton("start", "Go to the start (Home)", "start"),
      iconButton("back", "Step back (←)", "back"),
      this.playing,
      iconButton("forward", "Step forward (→)", "forward"),
      this.where,
      el("label", { class: "speed" }, el("span", { text: "Speed" }), this.slider),
    );
    this.tellSpeed();
  }

  tellSpeed() {
    this.slider.setAttribute("aria-valuetext", `${Number(this.speed.toPrecision(2))} steps a second`);
    this.slider.title = this.slider.getAttribute("aria-valuetext");
  }

  tellPlaying() {
    const label = this.timer ? "Pause (Space)" : "Play (Space)";
    this.playing.replaceChildren(icon(this.timer ? "pause" : "play"));
    this.playing.setAttribute("aria-label", label);
    this.playing.title = label;
    this.root.classList.toggle("playing", Boolean(this.timer));
  }

  listen() {
    this.root.querySelector(".controls").addEventListener("click", (event) => this.press(event.target.closest("button")?.dataset.action));
    this.stage.addEventListener("click", (event) => {
      const cell = event.target.closest(".output .cell");
      if (!cell) return;
      this.pause();
      this.position = -1;
      this.go(Number(cell.dataset.row) * this.data.lefts.length + Number(cell.dataset.column));
      this.look();
    });
    this.root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !this.data) return;
      // Streamlit has one-letter shortcuts of its own on the document.
      event.stopPropagation();
      if (event.target !== this.stage) return;
      const row = this.data.lefts.length;
      const keys = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row };
      if (event.key === " ") this.toggle();
      else if (event.key === "Home") this.press("start");
      else if (event.key === "End") this.step(this.count);
      else if (event.key === "Enter") this.look();
      else if (keys[event.key]) this.steer(keys[event.key]);
      else return;
      event.preventDefault();
    });
  }

  /** A row up or down that is not there is not the first or last cell either. */
  steer(by) {
    const to = this.position + by;
    if (to >= 0 && to < this.count) this.step(by);
    else this.pause();
  }

  press(action) {
    if (action === "play") this.toggle();
    else if (action === "back") this.step(-1);
    else if (action === "forward") this.step(1);
    else if (action === "start") this.step(-this.count);
  }
}

const sign = (text) => el("span", { class: "sign", text });

function product({ value, weight, padded }) {
  return el(
    "span",
    { class: padded ? "term padded" : "term" },
    el("span", { class: "value", text: display(value) }),
    sign(" × "),
    el("span", { class: ["below", "", "above"][Math.sign(weight) + 1], text: display(weight) }),
  );
}

function plainTerm({ value, padded }, chosen) {
  return el("span", { class: `term${padded ? " padded" : ""}${chosen ? " chosen" : ""}`, text: display(value) });
}

/** The terms with signs between them; of many, the first and the last. */
function joined(parts, between) {
  const many = parts.length > TERMS;
  const head = many ? parts.slice(0, TERMS - 3) : parts;
  const tail = many ? [sign(`… ${parts.length - TERMS + 2} more …`), parts.at(-1)] : [];
  return [...head, ...tail].flatMap((part, index) => (index ? [sign(between), part] : [part]));
}

export default function (component) {
  return mount(component, (root, channel) => new SlidingWindow(root, channel));
}
