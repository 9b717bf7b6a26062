// The tile sheet: a button for each tile, cut out of one picture. How many stand side by side is up
// to the style; the arrow keys follow what is seen.

// A tile of as many pixels as this is drawn smoothly, as there is no room for squares.
const FINE = 96;
// How wide a square tile is, in pixels: at least, and at most.
const LEAST = 96;
const MOST = 150;

class TileSheet {
  constructor(root, channel) {
    this.channel = channel;
    this.root = root.querySelector(".tile-sheet");
    this.grid = this.root.querySelector(".tiles");
    this.told = this.root.querySelector(".told");
    this.tiles = [];
    this.digest = null;
    this.grid.addEventListener("click", (event) => this.pick(this.tileOf(event)));
    this.grid.addEventListener("keydown", (event) => this.key(event));
    this.grid.addEventListener("pointerover", (event) => this.tell(this.tileOf(event)));
    this.grid.addEventListener("focusin", (event) => this.tell(this.tileOf(event)));
    this.grid.addEventListener("pointerleave", () => this.tell(this.tiles[this.chosen]));
  }

  destroy() {}

  render(data) {
    this.facts = data.facts;
    this.pickable = data.pickable;
    if (data.labels.length !== this.tiles.length) this.make(data.labels.length);
    this.tiles.forEach((tile, number) => {
      tile.label.textContent = data.labels[number];
      tile.button.setAttribute("aria-label", data.facts[number]);
      // One that cannot be picked can still be focused, as its facts are told then.
      tile.button.setAttribute("aria-disabled", String(!data.pickable));
    });
    if (data.digest !== this.digest) this.cut(data);
    this.mark(data.chosen);
  }

  make(count) {
    this.tiles = Array.from({ length: count }, (_, number) => {
      const canvas = el("canvas", { "aria-hidden": "true" });
      const label = el("span");
      const button = el("button", { type: "button", class: "tile", "data-number": number }, canvas, label);
      return { button, canvas, label, number };
    });
    this.grid.replaceChildren(...this.tiles.map((tile) => tile.button));
  }

  /** Cuts the tiles out once the picture is decoded, unless another has come by then. */
  async cut({ sheet, digest, size: [height, width], columns }) {
    this.digest = digest;
    const stretch = Math.sqrt(Math.min(4, Math.max(1, width / height)));
    this.grid.style.setProperty("--least", `${Math.round(LEAST * stretch)}px`);
    this.grid.style.setProperty("--most", `${Math.round(MOST * stretch)}px`);
    this.grid.classList.toggle("coarse", Math.max(height, width) < FINE);
    const picture = await createImageBitmap(new Blob([sheet.getChildAt(0).get(0)]));
    if (digest !== this.digest) return;
    for (const { canvas, number } of this.tiles) {
      canvas.width = width;
      canvas.height = height;
      const left = (number % columns) * width;
      const top = Math.floor(number / columns) * height;
      canvas.getContext("2d").drawImage(picture, left, top, width, height, 0, 0, width, height);
    }
  }

  mark(chosen) {
    this.chosen = chosen;
    const stop = chosen ?? 0;
    for (const { button, number } of this.tiles) {
      if (this.pickable) button.setAttribute("aria-pressed", String(number === chosen));
      button.tabIndex = number === stop ? 0 : -1;
    }
    if (!this.grid.contains(this.grid.getRootNode().activeElement)) this.tell(this.tiles[chosen]);
  }

  tileOf(event) {
    const button = event.target.closest(".tile");
    return button && this.tiles[Number(button.dataset.number)];
  }

  tell(tile) {
    this.told.textContent = tile ? this.facts[tile.number] : "";
  }

  pick(tile) {
    if (!tile || !this.pickable) return;
    this.mark(tile.number);
    this.tell(tile);
    this.channel.send({ do: "pick", number: tile.number });
  }

  key(event) {
    const tile = this.tileOf(event);
    if (!tile) return;
    const first = this.tiles[0].button.offsetTop;
    const across = this.tiles.filter(({ button }) => button.offsetTop === first).length;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across };
    const next = this.tiles[tile.number + steps[event.key]];
    if (!next) return;
    event.preventDefault();
    next.button.focus();
  }
}

export default function (component) {
  return mount(component, (root, channel) => new TileSheet(root, channel));
}
