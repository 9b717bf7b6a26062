// The parts of a diagram as SVG elements, and the whole as a file.

const SIZE = { height: 40, least: 92, most: 184, padding: 26 };
const MARGIN = 24;

// What the stylesheet gives and a file must carry itself.
const EXPORTED = [
  "fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-family", "font-size",
  "font-weight", "text-anchor", "paint-order", "stroke-linecap", "display",
];

function boundsOf(points) {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

function middleOf(points) {
  const [before, after] = [points[Math.ceil(points.length / 2) - 1], points[Math.floor(points.length / 2)]];
  return { x: (before.x + after.x) / 2, y: (before.y + after.y) / 2 };
}

const STATE_WORDS = { fault: "fault here", unreached: "not reached", off: "switched off" };

function arrowHead() {
  return svg(
    "defs",
    {},
    svg(
      "marker",
      { id: "ll-arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6.5, markerHeight: 6.5, orient: "auto-start-reverse" },
      svg("path", { class: "arrow", d: "M0,0.8L7.4,4L0,7.2Z" }),
    ),
  );
}

function makeBox() {
  return svg(
    "g",
    { class: "box" },
    svg("title"),
    svg("rect", { class: "frame", height: SIZE.height, rx: 7 }),
    svg("rect", { class: "group", x: 7, y: 8, width: 4, height: SIZE.height - 16, rx: 2 }),
    svg("text", { class: "title", x: 18, y: 17 }),
    svg("text", { class: "subtitle", x: 18, y: 31 }),
    svg(
      "g",
      { class: "alarm" },
      svg("circle", { r: 7 }),
      svg("path", { d: "M0,-3.6V0.6M0,3.4V3.5" }),
    ),
  );
}

function sizeBox(box, width) {
  box.querySelector(".frame").setAttribute("width", width);
  box.querySelector(".alarm").setAttribute("transform", `translate(${width - 13},${SIZE.height / 2})`);
}

/** A copy of the drawing that stands alone: all of it in view, in the colours of the page. */
function copyForFile(stage, { width, height }, background) {
  const copy = stage.cloneNode(true);
  const drawn = stage.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((node, index) => {
    const style = getComputedStyle(drawn[index]);
    for (const name of EXPORTED) node.setAttribute(name, style.getPropertyValue(name));
    for (const name of ["class", "style"]) node.removeAttribute(name);
    if (node.tagName !== "text") return;
    node.setAttribute("text-decoration", style.textDecorationLine);
    // Another machine may lack the font; its own must keep to the room that the boxes have.
    const length = drawn[index].getComputedTextLength();
    if (length > 0) node.setAttribute("textLength", length.toFixed(1));
    node.setAttribute("lengthAdjust", "spacingAndGlyphs");
  });
  for (const { name } of [...copy.attributes]) copy.removeAttribute(name);
  copy.setAttribute("xmlns", SVG);
  copy.setAttribute("viewBox", [-MARGIN, -MARGIN, width + 2 * MARGIN, height + 2 * MARGIN].join(" "));
  copy.setAttribute("width", width + 2 * MARGIN);
  copy.setAttribute("height", height + 2 * MARGIN);
  copy.prepend(svg("rect", { x: -MARGIN, y: -MARGIN, width: "100%", height: "100%", fill: background }));
  return copy;
}
