// The comparer: two pictures over one area. Divider, zoom and pan stay in the browser.

const ZOOM_STEP = 1.4;
const PAN_PX = 60;
// From here on a pixel is shown as the square that it is.
const SQUARES_FROM = 2;
const SMALLEST_MARK = 9;
const CLICK_PX = 4;
const PAGE_SCROLL_MS = 250;
// A key that is held down moves the mark at once and asks Python when it rests.
const ASK_MS = 90;

Object.assign(ICONS, {
  slide: ["m9 7-5 5 5 5", "m15 7 5 5-5 5"],
  beside: ["M3 5h7v14H3z", "M14 5h7v14h-7z"],
  over: ["M3 5h18v14H3z", "M12 3v18"],
});

class Comparer {
  constructor(root, channel) {
    this.channel = channel;
    this.root = root.querySelector(".comparer");
    this.stage = this.root.querySelector(".stage");
    this.handle = this.root.querySelector(".handle");
    this.labels = ["before", "after"].map((name) => this.root.querySelector(`.label.${name}`));
    this.status = this.root.querySelector('[role="status"]');
    this.brush = this.stage.getContext("2d");
    this.pictures = [null, null];
    this.known = new Map();
    this.wanted = 0;
    this.lens = new Lens();
    this.divider = 0.5;
    this.mark = null;
    this.box = null;
    this.handle.querySelector(".knob").append(icon("slide"));
    this.scale = el("span", { class: "scale", title: "Size of a pixel of the before picture on screen" });
    this.swap = iconButton("beside", "Side by side", "view");
    this.root.querySelector(".tools").append(
      this.swap,
      iconButton("minus", "Zoom out (−)", "out"),
      this.scale,
      iconButton("plus", "Zoom in (+)", "in"),
      iconButton("fit", "Show everything (0)", "fit"),
    );
    this.listen();
    this.resizes = new ResizeObserver(([entry]) => {
      this.lens.size = { width: entry.contentRect.width, height: entry.contentRect.height };
      this.draw();
    });
    this.resizes.observe(this.stage);
  }

  destroy() {
    this.wanted = Infinity;
    clearTimeout(this.asking);
    cancelAnimationFrame(this.frame);
    this.resizes.disconnect();
    document.removeEventListener("wheel", this.noteWheel, true);
    this.forget([]);
  }

  // --- what Python sends -----------------------------------------------------------------------

  /** The new pictures replace the old ones together, and only when both are decoded. */
  async render(data) {
    this.root.style.setProperty("--height", `${data.height}px`);
    this.root.classList.toggle("pickable", data.pickable);
    if (data.view !== this.data?.view) this.setView(data.view);
    this.data = data;
    this.wanted += 1;
    const turn = this.wanted;
    const { digests } = data;
    [data.before, data.after].forEach((table, index) => {
      if (table && !this.known.has(digests[index])) this.known.set(digests[index], decode(table));
    });
    if (!digests.every((digest) => this.known.has(digest))) {
      this.channel.send({ do: "resend" });
      return;
    }
    const fresh = await Promise.all(digests.map((digest) => this.known.get(digest)));
    if (turn !== this.wanted) return;
    this.pictures = fresh;
    [this.lens.picture] = fresh;
    this.forget(digests);
    this.mark = data.mark;
    this.box = data.box;
    this.labels.forEach((label, index) => {
      label.replaceChildren(el("b", { text: index ? "after" : "before" }), ` ${data.sizes[index].join(" × ")}`);
    });
    this.accent = getComputedStyle(this.root).getPropertyValue("--st-primary-color") || "#c2410c";
    this.draw();
    this.root.dataset.shown = digests.join(" ");
  }

  /** Lets go of all pictures but these. */
  forget(kept) {
    for (const [digest, picture] of this.known) {
      if (kept.includes(digest)) continue;
      this.known.delete(digest);
      picture.then((each) => each.close());
    }
  }

  setView(view) {
    this.lens.side = view === "side";
    this.root.classList.toggle("side", this.lens.side);
    const label = this.lens.side ? "One over the other, with a divider" : "Side by side";
    this.swap.replaceChildren(icon(this.lens.side ? "over" : "beside"));
    this.swap.title = label;
    this.swap.setAttribute("aria-label", label);
    this.draw();
  }

  /** What lies under the pointer. */
  locate(event) {
    const box = this.stage.getBoundingClientRect();
    return this.lens.at(event.clientX - box.left, event.clientY - box.top);
  }

  zoomTo(zoom, at = null) {
    if (!this.lens.picture) return;
    this.lens.zoomTo(zoom, at);
    this.draw();
  }

  panBy(dx, dy) {
    if (!this.lens.picture) return;
    this.lens.panBy(dx, dy);
    this.draw();
  }

  // --- drawing -----------------------------------------------------------------------------------

  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.pictures[0] && this.lens.size.width > 0) this.paint();
    });
  }

  paint() {
    const { brush, stage } = this;
    const dense = self.devicePixelRatio || 1;
    const [width, height] = [Math.round(this.lens.size.width * dense), Math.round(this.lens.size.height * dense)];
    if (stage.width !== width || stage.height !== height) {
      stage.width = width;
      stage.height = height;
    }
    this.lens.keepInside();
    brush.setTransform(dense, 0, 0, dense, 0, 0);
    brush.clearRect(0, 0, this.lens.size.width, this.lens.size.height);
    const panes = this.lens.panes();
    if (this.lens.side) {
      panes.forEach((pane, index) => this.paintPart(pane, index, this.lens.visible(pane)));
    } else {
      const seen = this.lens.visible(panes[0]);
      const at = seen.width * this.divider;
      this.paintPart(panes[0], 0, { ...seen, width: at });
      this.paintPart(panes[0], 1, { ...seen, x: seen.x + at, width: seen.width - at });
      this.handle.style.transform = `translate(${seen.x + at}px, ${seen.y}px)`;
      this.handle.style.height = `${seen.height}px`;
      this.handle.setAttribute("aria-valuenow", String(Math.round(this.divider * 100)));
      this.handle.setAttribute("aria-valuetext", `${Math.round(this.divider * 100)} % before`);
    }
    this.root.classList.toggle("zoomed", this.lens.zoom > 1);
    const scale = this.lens.fitted() * this.lens.zoom;
    this.scale.textContent = `${scale < 10 ? Number(scale.toPrecision(2)) : Math.round(scale)}×`;
  }

  paintPart(pane, index, part) {
    if (part.width <= 0 || part.height <= 0) return;
    const { brush } = this;
    const picture = this.pictures[index];
    const area = this.lens.area(pane);
    const across = area.width / picture.width;
    const down = area.height / picture.height;
    brush.save();
    brush.beginPath();
    brush.rect(part.x, part.y, part.width, part.height);
    brush.clip();
    brush.imageSmoothingEnabled = Math.max(across, down) < SQUARES_FROM;
    brush.imageSmoothingQuality = "medium";
    brush.drawImage(picture, area.x, area.y, area.width, area.height);
    const marked = this.marked(index);
    if (marked) {
      this.outline(
        area.x + marked.left * across,
        area.y + marked.top * down,
        marked.width * across,
        marked.height * down,
      );
    }
    brush.restore();
  }

  /** The marked part of a picture, in its pixels. */
  marked(index) {
    if (!this.mark) return null;
    const { row, column } = this.mark;
    if (index === 1) return { top: row, left: column, width: 1, height: 1 };
    if (this.box) {
      const [top, left, height, width] = this.box;
      return { top, left, height, width };
    }
    const [before, after] = this.pictures;
    const [high, wide] = [before.height / after.height, before.width / after.width];
    return { top: row * high, left: column * wide, width: wide, height: high };
  }

  /** A square around something, never too small to be seen, dark and light so as to be seen anywhere. */
  outline(x, y, width, height) {
    const { brush } = this;
    const [wider, higher] = [Math.max(width, SMALLEST_MARK), Math.max(height, SMALLEST_MARK)];
    const [left, top] = [Math.round(x - (wider - width) / 2), Math.round(y - (higher - height) / 2)];
    const rect = [left - 1, top - 1, Math.round(wider) + 2, Math.round(higher) + 2];
    for (const [colour, line] of [["rgb(0 0 0 / 55%)", 5], ["#fff", 3.5], [this.accent, 2]]) {
      brush.strokeStyle = colour;
      brush.lineWidth = line;
      brush.strokeRect(...rect);
    }
  }

  // --- what a person does --------------------------------------------------------------------------

  listen() {
    this.listenToPointer();
    this.listenToHandle();
    // Someone who scrolls the page past the pictures does not mean to zoom them.
    let pageScrolledAt = -Infinity;
    this.noteWheel = (event) => {
      if (!event.composedPath().includes(this.root)) pageScrolledAt = event.timeStamp;
    };
    document.addEventListener("wheel", this.noteWheel, { capture: true, passive: true });
    this.root.querySelector(".frame").addEventListener("wheel", (event) => {
      if (!this.pictures[0]) return;
      if (event.timeStamp - pageScrolledAt < PAGE_SCROLL_MS) {
        pageScrolledAt = event.timeStamp;
        return;
      }
      if (event.deltaY > 0 && this.lens.zoom === 1) return;
      event.preventDefault();
      this.zoomTo(this.lens.zoom * 2 ** (-event.deltaY / (event.ctrlKey ? 100 : 300)), this.locate(event));
    }, { passive: false });
    this.root.querySelector(".tools").addEventListener("click", (event) => {
      const action = event.target.closest("button")?.dataset.action;
      if (action === "view") this.setView(this.lens.side ? "slide" : "side");
      else if (action && this.pictures[0]) this.zoomBy(action);
    });
    this.root.addEventListener("keydown", (event) => this.pressed(event));
  }

  listenToPointer() {
    let from = null;
    this.stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.stage.setPointerCapture(event.pointerId);
      from = { x: event.clientX, y: event.clientY, moved: false };
    });
    this.stage.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (!from.moved && Math.hypot(dx, dy) <= CLICK_PX) return;
      this.stage.classList.toggle("panning", this.lens.zoom > 1);
      this.panBy(dx, dy);
      from = { x: event.clientX, y: event.clientY, moved: true };
    });
    const end = (event) => {
      if (from && !from.moved && event.type === "pointerup") this.pickAt(this.locate(event));
      from = null;
      this.stage.classList.remove("panning");
    };
    this.stage.addEventListener("pointerup", end);
    this.stage.addEventListener("pointercancel", end);
    this.stage.addEventListener("dblclick", (event) => {
      if (!this.data?.pickable) this.zoomTo(this.lens.zoom * 2, this.locate(event));
    });
  }

  listenToHandle() {
    let grabbed = null;
    this.handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.pictures[0]) return;
      this.handle.setPointerCapture(event.pointerId);
      const seen = this.lens.visible(this.lens.panes()[0]);
      grabbed = this.locate(event).x - (seen.x + seen.width * this.divider);
    });
    this.handle.addEventListener("pointermove", (event) => {
      if (grabbed === null) return;
      const seen = this.lens.visible(this.lens.panes()[0]);
      this.divide((this.locate(event).x - grabbed - seen.x) / seen.width);
    });
    const end = () => {
      grabbed = null;
    };
    this.handle.addEventListener("pointerup", end);
    this.handle.addEventListener("pointercancel", end);
  }

  divide(at) {
    this.divider = Math.min(Math.max(at, 0), 1);
    this.draw();
  }

  /** Without a pointer the marked pixel is what is looked at, so that is what stays in place. */
  zoomBy(action) {
    const after = this.pictures[1];
    const at = this.mark && {
      across: (this.mark.column + 0.5) / after.width,
      down: (this.mark.row + 0.5) / after.height,
    };
    if (action === "in") this.zoomTo(this.lens.zoom * ZOOM_STEP, at);
    else if (action === "out") this.zoomTo(this.lens.zoom / ZOOM_STEP, at);
    else if (action === "fit") this.zoomTo(1);
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.pictures[0]) return;
    const zooms = { "+": "in", "=": "in", "-": "out", 0: "fit" };
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const { key, target } = event;
    if (zooms[key]) this.zoomBy(zooms[key]);
    else if (target === this.handle) {
      const move = { Home: -1, End: 1, PageUp: 0.1, PageDown: -0.1 }[key] ?? (steps[key] && (steps[key][1] - steps[key][0]) * 0.02);
      if (!move) return;
      this.divide(this.divider + move);
    } else if (target === this.stage && steps[key]) {
      const [down, across] = steps[key];
      if (event.shiftKey || !this.data.pickable) this.panBy(-across * PAN_PX, -down * PAN_PX);
      else this.step(down, across);
    } else if (target === this.stage && key === "Enter") {
      this.pick(this.mark ?? this.middle());
    } else return;
    event.preventDefault();
    // Streamlit has one-letter shortcuts of its own on the document.
    event.stopPropagation();
  }

  // --- picking ---------------------------------------------------------------------------------------

  pickAt({ across, down }) {
    const after = this.pictures[1];
    if (!after || !this.data.pickable || across < 0 || across >= 1 || down < 0 || down >= 1) return;
    this.pick({ row: Math.floor(down * after.height), column: Math.floor(across * after.width) });
  }

  middle() {
    const after = this.pictures[1];
    return { row: Math.floor(this.lens.centre.y * after.height), column: Math.floor(this.lens.centre.x * after.width) };
  }

  step(down, across) {
    const after = this.pictures[1];
    const { row, column } = this.mark ?? this.middle();
    const to = {
      row: Math.min(Math.max(row + down, 0), after.height - 1),
      column: Math.min(Math.max(column + across, 0), after.width - 1),
    };
    if (this.mark && to.row === row && to.column === column) return;
    this.show(to);
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.pick(to), ASK_MS);
  }

  pick(at) {
    if (!this.data.pickable) return;
    clearTimeout(this.asking);
    this.show(at);
    this.channel.send({ do: "pick", row: at.row, column: at.column });
  }

  /** Moves the mark before Python has answered; what it comes from moves in step. */
  show(at) {
    if (this.mark && this.box) {
      const [before, after] = this.pictures;
      const [top, left, height, width] = this.box;
      this.box = [
        top + Math.round(((at.row - this.mark.row) * before.height) / after.height),
        left + Math.round(((at.column - this.mark.column) * before.width) / after.width),
        height,
        width,
      ];
    }
    this.mark = at;
    this.status.textContent = `Row ${at.row}, column ${at.column}`;
    this.draw();
  }
}

/** The picture in the one cell of an Arrow table. */
function decode(table) {
  return createImageBitmap(new Blob([table.getChildAt(0).get(0)]));
}

export default function (component) {
  return mount(component, (root, channel) => new Comparer(root, channel));
}
