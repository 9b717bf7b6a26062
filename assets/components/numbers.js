// Numbers as the lab shows them: short, and as colours.

/** 0.1111… as "0.111", 12345678 as "1.2e7". */
function short(number) {
  const size = Math.abs(number);
  if (size === 0 || !Number.isFinite(number)) return String(number);
  if (size >= 1e5 || size < 1e-3) return number.toExponential(1).replace(".0e", "e").replace("e+", "e");
  const digits = size < 0.1 ? 2 : Math.max(3, Math.ceil(Math.log10(size)));
  return String(Number(number.toPrecision(digits)));
}

/** Black or white, whichever is the easier to read on a colour. */
function inkOn(rgb) {
  // The luminance at which both have the same contrast.
  return luminance(rgb) > 0.18 ? "#15181c" : "#ffffff";
}

/** The theme's two ramps, from the page's background outwards: blue below zero, red above. */
function colours(node) {
  const style = getComputedStyle(node);
  const named = style.getPropertyValue("--st-chart-diverging-colors").split(",").map(channels).filter(Boolean);
  const ramp = named.length >= 4 ? named : RAMP.map(channels);
  const ground = channels(style.getPropertyValue("--st-background-color")) ?? [255, 255, 255];
  const half = ramp.length >> 1;
  const below = [ground, ...ramp.slice(0, half).reverse()];
  const above = [ground, ...ramp.slice(-half)];
  return (part) => {
    const stops = part < 0 ? below : above;
    const at = Math.min(Math.abs(part), 1) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const paint = stops[low].map((value, i) => value + (stops[low + 1][i] - value) * (at - low));
    return { rgb: paint, paint: `rgb(${paint.map(Math.round).join(" ")})`, ink: inkOn(paint) };
  };
}

const RAMP = ["#174a84", "#548ec8", "#ccdbec", "#efdad2", "#e48357", "#a5330f"];

function channels(text) {
  const hex = /^\s*#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(text);
  return hex ? hex.slice(1).map((two) => parseInt(two, 16)) : null;
}

/** Relative luminance as WCAG defines it. */
function luminance(rgb) {
  const [red, green, blue] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
