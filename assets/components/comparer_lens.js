// Where the pictures of the comparer lie on the screen, and how near they are.

// Screen pixels that one pixel of a picture may fill at the most.
const LARGEST_PIXEL = 64;
const GAP = 2;

class Lens {
  constructor() {
    /** Of the stage, in screen pixels. */
    this.size = { width: 0, height: 0 };
    /** The before picture: anything with a width and a height in its own pixels. */
    this.picture = null;
    this.side = false;
    /** The part of the picture in the middle of a pane. */
    this.centre = { x: 0.5, y: 0.5 };
    /** 1 shows all of it. */
    this.zoom = 1;
  }

  panes() {
    const { width, height } = this.size;
    if (!this.side) return [{ x: 0, y: 0, width, height }];
    const half = Math.max(1, (width - GAP) / 2);
    return [
      { x: 0, y: 0, width: half, height },
      { x: half + GAP, y: 0, width: half, height },
    ];
  }

  /** Screen pixels that a pixel of the before picture takes when all of it is shown. */
  fitted() {
    const [pane] = this.panes();
    const { width, height } = this.picture;
    return Math.min(pane.width / width, pane.height / height);
  }

  /** Where the picture lies in a pane, in screen pixels; most of it may be outside. */
  area(pane) {
    const { width, height } = this.picture;
    const scale = this.fitted() * this.zoom;
    const size = { width: width * scale, height: height * scale };
    return {
      x: pane.x + pane.width / 2 - this.centre.x * size.width,
      y: pane.y + pane.height / 2 - this.centre.y * size.height,
      ...size,
    };
  }

  /** The part of a pane that shows picture. */
  visible(pane) {
    const area = this.area(pane);
    const x = Math.max(pane.x, area.x);
    const y = Math.max(pane.y, area.y);
    return {
      x,
      y,
      width: Math.min(pane.x + pane.width, area.x + area.width) - x,
      height: Math.min(pane.y + pane.height, area.y + area.height) - y,
    };
  }

  /** The part of the picture, 0 to 1 across and down, at a place of the screen. */
  at(x, y) {
    const panes = this.panes();
    const area = this.area(panes.find((pane) => x < pane.x + pane.width) ?? panes.at(-1));
    return { x, y, across: (x - area.x) / area.width, down: (y - area.y) / area.height };
  }

  zoomTo(zoom, at = null) {
    const most = Math.max(1, LARGEST_PIXEL / this.fitted());
    const next = Math.min(Math.max(zoom, 1), most);
    if (at) {
      // What is under the pointer stays there.
      const part = this.zoom / next;
      this.centre.x = at.across + (this.centre.x - at.across) * part;
      this.centre.y = at.down + (this.centre.y - at.down) * part;
    }
    this.zoom = next;
    this.keepInside();
  }

  panBy(dx, dy) {
    const area = this.area(this.panes()[0]);
    this.centre.x -= dx / area.width;
    this.centre.y -= dy / area.height;
    this.keepInside();
  }

  keepInside() {
    const [pane] = this.panes();
    const area = this.area(pane);
    const within = (centre, room, extent) => {
      const half = Math.min(0.5, room / 2 / extent);
      return Math.min(Math.max(centre, half), 1 - half);
    };
    this.centre.x = within(this.centre.x, pane.width, area.width);
    this.centre.y = within(this.centre.y, pane.height, area.height);
  }
}
