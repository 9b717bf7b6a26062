// The diagram of a model: boxes in running order, lines between them, to pan, zoom and pick from.

const TOOLS = 36;
// Below this scale the text of a box is too small to read, so the first view shows a part instead.
const LEGIBLE = 0.62;
const FIRST_SCALE = 0.72;
const LARGEST_FIT = 1.15;
const PAN_PX = 80;
const PAGE_SCROLL_MS = 250;
// Smaller than this, text is a smudge that only costs time.
const TEXT_FROM = 0.28;
// Longer than an animated move, so that nothing vanishes while it is still on its way out.
const HIDE_AFTER_MS = 300;

class Diagram {
  constructor(root, channel) {
    this.channel = channel;
    this.root = root.querySelector(".diagram");
    this.stage = this.root.querySelector(".stage");
    this.status = this.root.querySelector('[role="status"]');
    this.layers = { lines: svg("g"), labels: svg("g"), boxes: svg("g") };
    this.view = svg("g", {}, ...Object.values(this.layers));
    this.stage.append(arrowHead(), this.view);
    this.boxes = new Map();
    this.parts = [];
    this.layout = null;
    this.selected = null;
    this.touched = false;
    this.measure = document.createElement("canvas").getContext("2d");
    this.root.querySelector(".tools").append(
      iconButton("minus", "Zoom out (−)", "out"),
      iconButton("plus", "Zoom in (+)", "in"),
      iconButton("fit", "Show everything (0)", "fit"),
      iconButton("download", "Download as SVG", "download"),
    );
    this.panzoom = self.Panzoom(this.view, {
      canvas: true,
      cursor: "grab",
      minScale: 0.04,
      maxScale: 4,
      step: 0.35,
      // The default would also keep a press from giving the diagram the focus.
      handleStartEvent: (event) => event.stopPropagation(),
    });
    this.view.addEventListener("panzoomchange", () => this.seeAgain());
    this.listen();
    // The size comes from here alone: asking the stage for it would lay the page out each time.
    this.size = { width: 0, height: 0 };
    this.resizes = new ResizeObserver(([entry]) => this.resized(entry.contentRect));
    // Panzoom sets its own start in a timer of this kind; the first view has to come after it.
    setTimeout(() => this.resizes.observe(this.stage), 0);
  }

  destroy() {
    clearTimeout(this.hiding);
    this.resizes.disconnect();
    this.panzoom.destroy();
    document.removeEventListener("wheel", this.noteWheel, true);
  }

  // --- drawing -------------------------------------------------------------------------------

  render(data) {
    this.data = data;
    this.root.style.setProperty("--height", `${data.height}px`);
    this.root.classList.toggle("pickable", data.pickable);
    this.root.querySelector(".empty").hidden = data.nodes.length > 0;
    const structure = JSON.stringify([data.nodes.map((node) => node.id), data.edges]);
    // Asked for once: it makes the browser work out every style that is not worked out yet.
    this.fonts = { title: `600 12.5px ${getComputedStyle(this.root).fontFamily}`, subtitle: "11px monospace" };
    const width = this.boxWidth(data.nodes);
    const moved = structure !== this.structure || width !== this.width;
    this.structure = structure;
    this.width = width;
    // In a closed tab there is no room yet; `resized` draws when there is.
    if (this.size.width === 0) return;
    if (moved) this.place();
    else for (const node of data.nodes) this.updateBox(this.boxes.get(node.id), node);
    this.select(data.selected);
  }

  boxWidth(nodes) {
    let widest = SIZE.least - SIZE.padding;
    const widen = (font, texts) => {
      this.measure.font = font;
      for (const text of new Set(texts)) widest = Math.max(widest, this.measure.measureText(text).width);
    };
    widen(this.fonts.title, nodes.map((node) => node.title));
    widen(this.fonts.subtitle, nodes.map((node) => node.subtitle));
    return Math.min(SIZE.most, Math.ceil(widest) + SIZE.padding);
  }

  /** The room for the drawing: within the margins and above the buttons. */
  frame() {
    return {
      width: Math.max(this.size.width - 2 * MARGIN, 1),
      height: Math.max(this.size.height - 2 * MARGIN - TOOLS, 1),
    };
  }

  place() {
    const { nodes, edges } = this.data;
    const size = { width: this.width, height: SIZE.height };
    this.layout = layOut(nodes.map((node) => node.id), edges, size, this.frame());
    const lines = this.layout.lines.map((line) => {
      const path = svg("path", {
        class: `line${line.joint ? " stem" : ""}`,
        d: pathThrough(line.points, line.square),
        "marker-end": line.joint ? null : "url(#ll-arrow)",
        "data-line": `${nodes[line.source ?? line.from].id}→${nodes[line.to].id}`,
      });
      path.bounds = boundsOf(line.points);
      return path;
    });
    const labels = this.layout.lines.filter((line) => line.label).map((line) => {
      const { x, y } = middleOf(line.points);
      const label = svg("text", { class: "label", x, y: y + 3.5, text: line.label });
      label.bounds = boundsOf([{ x, y }]);
      return label;
    });
    const old = this.boxes;
    this.boxes = new Map(nodes.map((node) => [node.id, old.get(node.id) ?? makeBox()]));
    for (const [id, box] of this.boxes) {
      const { x, y } = this.layout.boxes.get(id);
      sizeBox(box, this.width);
      box.bounds = boundsOf([
        { x: x - this.width / 2, y: y - SIZE.height / 2 },
        { x: x + this.width / 2, y: y + SIZE.height / 2 },
      ]);
      box.setAttribute("transform", `translate(${(x - this.width / 2).toFixed(1)},${(y - SIZE.height / 2).toFixed(1)})`);
    }
    for (const layer of Object.values(this.layers)) layer.replaceChildren();
    this.parts = [
      ...lines.map((node) => ({ node, layer: this.layers.lines })),
      ...labels.map((node) => ({ node, layer: this.layers.labels })),
      ...Array.from(this.boxes.values(), (node) => ({ node, layer: this.layers.boxes })),
    ];
    for (const node of nodes) this.updateBox(this.boxes.get(node.id), node);
    if (!this.touched) this.firstView();
    this.seeAgain();
  }

  /**
   * Puts in what is in the frame and, a little later, takes out what is not. A zoom makes Chromium
   * lay out every text again, hidden ones too: with 1,000 layers this makes it ten times faster.
   */
  seeAgain() {
    this.see(false);
    clearTimeout(this.hiding);
    this.hiding = setTimeout(() => this.see(true), HIDE_AFTER_MS);
  }

  see(leave) {
    const scale = this.panzoom.getScale();
    const { x, y } = this.panzoom.getPan();
    const [left, top] = [-x - MARGIN, -y - MARGIN];
    const [right, bottom] = [this.size.width / scale - x + MARGIN, this.size.height / scale - y + MARGIN];
    this.stage.classList.toggle("far", scale < TEXT_FROM);
    for (const { node, layer } of this.parts) {
      const { bounds } = node;
      const seen = bounds.right > left && bounds.left < right && bounds.bottom > top && bounds.top < bottom;
      if (seen && !node.parentNode) layer.append(node);
      else if (leave && !seen && node.parentNode) node.remove();
    }
  }

  updateBox(box, node) {
    const signature = JSON.stringify([node, this.width]);
    if (box.signature === signature) return;
    box.signature = signature;
    box.dataset.id = node.id;
    box.setAttribute("class", `box ${node.state}${node.id === this.selected ? " chosen" : ""}`);
    box.style.setProperty("--group", node.colour);
    const [title, subtitle] = box.querySelectorAll("text");
    title.textContent = this.shorten(node.title, this.fonts.title);
    subtitle.textContent = this.shorten(node.subtitle, this.fonts.subtitle);
    const words = [node.title, node.id, node.subtitle, node.state === "ok" ? "" : STATE_WORDS[node.state]];
    box.querySelector("title").textContent = words.filter(Boolean).join("\n");
  }

  shorten(text, font) {
    this.measure.font = font;
    const room = this.width - SIZE.padding + 2;
    if (this.measure.measureText(text).width <= room) return text;
    let length = text.length;
    while (length > 1 && this.measure.measureText(`${text.slice(0, length)}…`).width > room) length -= 1;
    return `${text.slice(0, length)}…`;
  }

  select(id) {
    if (id === this.selected) return;
    this.boxes.get(this.selected)?.classList.remove("chosen");
    this.selected = id;
    const box = this.boxes.get(id);
    if (!box) return;
    box.classList.add("chosen");
    this.reveal(id);
  }

  // --- the view --------------------------------------------------------------------------------

  resized({ width, height }) {
    if (width === this.size.width && height === this.size.height) return;
    const hidden = width === 0;
    this.size = { width, height };
    if (hidden || !this.data || (this.layout && this.touched)) return;
    this.place();
    this.select(this.data.selected);
  }

  fitScale() {
    const { width, height } = this.frame();
    return Math.min(width / this.layout.width, height / this.layout.height, LARGEST_FIT);
  }

  firstView() {
    if (this.layout.width === 0) return;
    if (this.fitScale() >= LEGIBLE) this.fit(false);
    else {
      this.show(FIRST_SCALE, MARGIN / FIRST_SCALE, MARGIN / FIRST_SCALE);
      this.reveal(this.data.nodes[0].id, false);
      if (this.selected !== null) this.reveal(this.selected, false);
    }
  }

  fit(animate = true) {
    if (this.layout.width === 0) return;
    const scale = this.fitScale();
    const x = (this.size.width / scale - this.layout.width) / 2;
    const y = ((this.size.height - TOOLS) / scale - this.layout.height) / 2;
    this.show(scale, x, Math.min(y, 2 * MARGIN / scale), animate);
  }

  show(scale, x, y, animate = false) {
    this.panzoom.zoom(scale, { animate, force: true });
    this.panzoom.pan(x, y, { animate, force: true });
  }

  zoom(by) {
    this.touched = true;
    const box = this.stage.getBoundingClientRect();
    const centre = { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
    this.panzoom.zoomToPoint(this.panzoom.getScale() * by, centre);
  }

  pan(dx, dy, animate = true) {
    this.touched = true;
    const scale = this.panzoom.getScale();
    this.panzoom.pan(dx / scale, dy / scale, { relative: true, animate });
  }

  /** Brings a box into the frame, if it is not there. */
  reveal(id, animate = true) {
    const at = this.layout.boxes.get(id);
    if (!at || this.size.width === 0) return;
    const scale = this.panzoom.getScale();
    const { x, y } = this.panzoom.getPan();
    const offset = (centre, half, start, room) => {
      const low = (centre - half + start) * scale;
      const high = (centre + half + start) * scale;
      return low < 8 || high > room - 8 ? room / 2 / scale - centre : start;
    };
    const toX = offset(at.x, this.width / 2, x, this.size.width);
    const toY = offset(at.y, SIZE.height / 2, y, this.size.height);
    if (toX !== x || toY !== y) this.panzoom.pan(toX, toY, { animate, force: true });
  }

  // --- what a person does --------------------------------------------------------------------------

  listen() {
    let pressed = null;
    this.stage.addEventListener("pointerdown", (event) => {
      pressed = { x: event.clientX, y: event.clientY };
    });
    this.stage.addEventListener("pointermove", (event) => {
      if (event.buttons && pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > 4) {
        this.touched = true;
      }
    });
    this.stage.addEventListener("click", (event) => {
      const moved = pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > 4;
      const box = event.target.closest(".box");
      if (box && !moved) this.pick(box.dataset.id);
    });
    this.stage.addEventListener("dblclick", (event) => {
      if (!event.target.closest(".box")) this.panzoom.zoomToPoint(this.panzoom.getScale() * 1.6, event);
    });
    // Someone who scrolls the page past the diagram does not mean to zoom it.
    let pageScrolledAt = -Infinity;
    this.noteWheel = (event) => {
      if (!event.composedPath().includes(this.stage)) pageScrolledAt = event.timeStamp;
    };
    document.addEventListener("wheel", this.noteWheel, { capture: true, passive: true });
    this.stage.addEventListener("wheel", (event) => {
      if (event.timeStamp - pageScrolledAt < PAGE_SCROLL_MS) {
        pageScrolledAt = event.timeStamp;
        return;
      }
      this.touched = true;
      this.panzoom.zoomWithWheel(event, { step: event.ctrlKey ? 0.5 : 0.3 });
    }, { passive: false });
    this.root.querySelector(".tools").addEventListener("click", (event) => {
      const action = event.target.closest("button")?.dataset.action;
      if (action === "in") this.zoom(1.3);
      else if (action === "out") this.zoom(1 / 1.3);
      else if (action === "fit") this.fit();
      else if (action === "download") this.download();
      if (action === "fit") this.touched = false;
    });
    this.stage.addEventListener("keydown", (event) => this.pressed(event));
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (key === "+" || key === "=") this.zoom(1.3);
    else if (key === "-") this.zoom(1 / 1.3);
    else if (key === "0") this.fit();
    else if (key === "ArrowLeft") this.pan(PAN_PX, 0);
    else if (key === "ArrowRight") this.pan(-PAN_PX, 0);
    else if (key === "ArrowUp") this.pan(0, PAN_PX);
    else if (key === "ArrowDown") this.pan(0, -PAN_PX);
    else if (key === "PageUp") this.walk(-1);
    else if (key === "PageDown") this.walk(1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  walk(by) {
    if (!this.data.pickable) return;
    const ids = this.data.nodes.map((node) => node.id);
    const at = ids.indexOf(this.selected);
    const to = Math.max(0, Math.min(ids.length - 1, at + by));
    if (to !== at) this.pick(ids[to]);
  }

  pick(id) {
    if (!this.data.pickable || id === this.selected) return;
    this.select(id);
    const { title, subtitle } = this.data.nodes.find((node) => node.id === id);
    this.status.textContent = `${title} ${id} ${subtitle}`;
    this.channel.send({ select: id });
  }

  /** The whole diagram as a file, whatever part of it is in the frame. */
  download() {
    for (const { node, layer } of this.parts) layer.append(node);
    this.stage.classList.remove("far");
    const background = getComputedStyle(this.root).backgroundColor;
    const copy = copyForFile(this.stage, this.layout, background);
    this.see(true);
    const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }));
    el("a", { href: url, download: `${this.data.name}.svg` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
}

export default function (component) {
  return mount(component, (root, channel) => new Diagram(root, channel));
}
