// What the sliding window draws: two grids of cells, the taps over one, lines to the other.

const CELL = { least: 4, most: 46, text: 30, weights: 38 };
const BETWEEN = 56;
const CAPTION = 22;
const TAG = 13;

/** Where everything goes in a drawing of this size: beside each other, or input over output. */
function arrange(input, output, width, height) {
  const side = Math.min(
    (width - BETWEEN) / (input.columns + output.columns),
    (height - CAPTION) / Math.max(input.rows, output.rows),
  );
  const stacked = Math.min(
    width / Math.max(input.columns, output.columns),
    (height - 2 * CAPTION - BETWEEN / 4) / (input.rows + output.rows),
  );
  const cell = Math.floor(Math.min(Math.max(side, stacked, CELL.least), CELL.most));
  const wide = { input: input.columns * cell, output: output.columns * cell };
  const high = { input: input.rows * cell, output: output.rows * cell };
  if (stacked > side) {
    return {
      cell,
      input: { x: Math.round((width - wide.input) / 2), y: CAPTION },
      output: { x: Math.round((width - wide.output) / 2), y: 2 * CAPTION + high.input + BETWEEN / 4 },
      height: 2 * CAPTION + high.input + high.output + BETWEEN / 4,
    };
  }
  const tall = Math.max(high.input, high.output);
  const left = Math.max(0, Math.round((width - wide.input - wide.output - BETWEEN) / 2));
  return {
    cell,
    input: { x: left, y: CAPTION + Math.round((tall - high.input) / 2) },
    output: { x: left + wide.input + BETWEEN, y: CAPTION + Math.round((tall - high.output) / 2) },
    height: CAPTION + tall + 1,
  };
}

class Scene {
  constructor(stage) {
    this.stage = stage;
  }

  /** Draws everything that does not move. */
  build(data, width) {
    const { input, output } = data;
    const shape = (rows) => ({ rows: rows.length, columns: rows[0]?.length ?? 0 });
    this.data = data;
    this.place = arrange(shape(input), shape(output), width, data.height);
    this.lines = svg("path", { class: "beam" });
    this.inputs = this.grid(input, this.place.input, grey(input), (row, column) =>
      data.padding[row]?.[column] ? "cell padding" : "cell",
    );
    const signed = output.flat().some((value) => value < 0);
    this.outputs = this.grid(output, this.place.output, signed ? diverging(this.stage, output) : grey(output), () => "cell");
    this.outputs.group.setAttribute("class", `output${data.pickable ? " pickable" : ""}`);
    this.taps = this.makeTaps();
    this.spot = svg("rect", { class: "spot", width: this.place.cell, height: this.place.cell });
    this.stage.setAttribute("height", this.place.height);
    this.stage.setAttribute("width", width);
    this.stage.replaceChildren(
      hatching(),
      this.inputs.group,
      this.lines,
      this.caption("input", input, this.place.input),
      this.caption("output", output, this.place.output),
      this.outputs.group,
      this.taps,
      this.spot,
    );
    this.filled = -1;
  }

  grid(rows, { x, y }, paint, kind) {
    const { cell } = this.place;
    const cells = [];
    // The number of an input cell makes room for the weight that may come under it.
    const lift = rows === this.data.input && this.tagged() ? TAG / 2 - 2 : 0;
    const group = svg("g", { transform: `translate(${x},${y})` });
    rows.forEach((numbers, row) =>
      numbers.forEach((number, column) => {
        const rgb = paint(number);
        const node = svg(
          "g",
          { class: kind(row, column), transform: `translate(${column * cell},${row * cell})`, "data-row": row, "data-column": column },
          svg("title", { text: `Row ${row + 1}, column ${column + 1}: ${number}` }),
          svg("rect", { class: "ground", width: cell, height: cell }),
          svg("rect", { class: "value", x: 0.5, y: 0.5, width: cell - 1, height: cell - 1, fill: css(rgb) }),
        );
        if (kind(row, column) === "cell padding") {
          node.append(svg("rect", { class: "hatch", x: 0.5, y: 0.5, width: cell - 1, height: cell - 1, fill: "url(#ll-hatch)" }));
        }
        if (cell >= CELL.text) {
          node.append(svg("text", { class: "number", x: cell / 2, y: cell / 2 - lift, fill: inkOn(rgb), text: display(number) }));
        }
        cells.push(node);
        group.append(node);
      }),
    );
    return { group, cells };
  }

  tagged() {
    return this.data.rule === "sum" && this.place.cell >= CELL.weights;
  }

  /** The outlines of the taps, each with its weight where there is room, to be moved as one. */
  makeTaps() {
    const { cell } = this.place;
    const { kernel, down, across } = this.data;
    const group = svg("g", { class: "taps" });
    const [high, wide] = [(down.at(-1) + 1) * cell, (across.at(-1) + 1) * cell];
    group.append(svg("rect", { class: "window", x: 0.5, y: 0.5, width: wide - 1, height: high - 1 }));
    down.forEach((row, i) =>
      across.forEach((column, j) => {
        const [x, y] = [column * cell, row * cell];
        group.append(svg("rect", { class: "tap", x: x + 1, y: y + 1, width: cell - 2, height: cell - 2 }));
        if (this.tagged()) {
          group.append(
            svg("rect", { class: "tag", x: x + 1, y: y + cell - TAG, width: cell - 2, height: TAG - 1 }),
            svg("text", { class: "weight", x: x + cell / 2, y: y + cell - TAG / 2, text: `× ${display(kernel[i][j])}` }),
          );
        }
      }),
    );
    return group;
  }

  caption(name, rows, { x, y }) {
    return svg(
      "text",
      { class: "caption", x, y: y - 7 },
      svg("tspan", { class: "name", text: name }),
      svg("tspan", { text: ` ${rows.length} × ${rows[0]?.length ?? 0}` }),
    );
  }

  /** Shows the position with this number: the window over its place, the output filled up to it. */
  show(index, { pace }) {
    const { tops, lefts, down, across } = this.data;
    const { cell, input, output } = this.place;
    const [row, column] = [Math.floor(index / lefts.length), index % lefts.length];
    const [top, left] = [input.y + tops[row] * cell, input.x + lefts[column] * cell];
    this.taps.style.setProperty("--pace", `${pace}ms`);
    this.taps.style.transform = `translate(${left}px, ${top}px)`;
    const [x, y] = [output.x + column * cell, output.y + row * cell];
    this.spot.setAttribute("x", x);
    this.spot.setAttribute("y", y);
    const right = left + (across.at(-1) + 1) * cell;
    const bottom = top + (down.at(-1) + 1) * cell;
    const beside = output.x > input.x + lefts.at(-1) * cell;
    this.lines.setAttribute(
      "d",
      beside ? `M${right} ${top}L${x} ${y}M${right} ${bottom}L${x} ${y + cell}` : `M${left} ${bottom}L${x} ${y}M${right} ${bottom}L${x + cell} ${y}`,
    );
    this.outputs.cells.forEach((node, at) => {
      if (at <= index !== (at <= this.filled) || this.filled < 0) node.classList.toggle("waiting", at > index);
    });
    this.filled = index;
  }
}

function hatching() {
  return svg(
    "defs",
    {},
    svg(
      "pattern",
      { id: "ll-hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      svg("rect", { class: "stripe", width: 1.5, height: 6 }),
    ),
  );
}

/** Grey levels from the smallest number, black, to the largest, white; numbers within 0 and 1 keep that range. */
function grey(rows) {
  const numbers = rows.flat().filter(Number.isFinite);
  const low = Math.min(0, ...numbers);
  const high = Math.max(1, ...numbers);
  return (number) => {
    const level = Number.isFinite(number) ? (255 * (number - low)) / (high - low) : number > 0 ? 255 : 0;
    return [level, level, level];
  };
}

function diverging(node, rows) {
  const scale = colours(node);
  const most = Math.max(...rows.flat().map(Math.abs).filter(Number.isFinite)) || 1;
  return (number) => scale(Number.isFinite(number) ? (0.86 * number) / most : 0).rgb;
}

function css(rgb) {
  return `rgb(${rgb.map(Math.round).join(" ")})`;
}

/** A number as people write it: a true minus sign, ∞. */
function display(number) {
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "NaN" : number > 0 ? "∞" : "−∞";
  return short(number).replaceAll("-", "−");
}
