// Shared by every component. Python joins this file, the vendored library and the component's own
// file into the text of one module, so nothing here is exported.

const SVG = "http://www.w3.org/2000/svg";

// What a drag from the palette to the layer list carries.
const DRAGGED_LAYER = "application/x-layerlab-op";

// Lucide icons, 24 by 24, drawn with a stroke. Licence: vendor notes in VENDOR.md.
const ICONS = {
  grip: ["M9 12h.01", "M9 5h.01", "M9 19h.01", "M15 12h.01", "M15 5h.01", "M15 19h.01"],
  plus: ["M5 12h14", "M12 5v14"],
  minus: ["M5 12h14"],
  copy: [
    "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H10a2 2 0 0 1-2-2V10a2 2 0 0 1 2-2z",
    "M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2",
  ],
  pencil: [
    "M21.174 6.812a1 1 0 0 0-3.986-3.987L3.842 16.174a2 2 0 0 0-.5.83l-1.321 4.352a.5.5 0 0 0 .623.622l4.353-1.32a2 2 0 0 0 .83-.497z",
    "m15 5 4 4",
  ],
  trash: [
    "M10 11v6",
    "M14 11v6",
    "M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6",
    "M3 6h18",
    "M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2",
  ],
  eye: [
    "M2.062 12.348a1 1 0 0 1 0-.696 10.75 10.75 0 0 1 19.876 0 1 1 0 0 1 0 .696 10.75 10.75 0 0 1-19.876 0",
    "M12 9a3 3 0 1 0 0 6a3 3 0 1 0 0-6",
  ],
  eyeOff: [
    "M10.733 5.076a10.744 10.744 0 0 1 11.205 6.575 1 1 0 0 1 0 .696 10.747 10.747 0 0 1-1.444 2.49",
    "M14.084 14.158a3 3 0 0 1-4.242-4.242",
    "M17.479 17.499a10.75 10.75 0 0 1-15.417-5.151 1 1 0 0 1 0-.696 10.75 10.75 0 0 1 4.446-5.143",
    "m2 2 20 20",
  ],
  fault: ["M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20", "M12 8v4", "M12 16h.01"],
  warning: [
    "m21.73 18-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3",
    "M12 9v4",
    "M12 17h.01",
  ],
  cross: ["M18 6 6 18", "m6 6 12 12"],
  search: ["m21 21-4.34-4.34", "M11 3a8 8 0 1 0 0 16a8 8 0 1 0 0-16"],
  chevron: ["m9 18 6-6-6-6"],
  input: ["m10 17 5-5-5-5", "M15 12H3", "M15 3h4a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2h-4"],
  output: ["m16 17 5-5-5-5", "M21 12H9", "M9 21H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2h4"],
  fit: [
    "M8 3H5a2 2 0 0 0-2 2v3",
    "M21 8V5a2 2 0 0 0-2-2h-3",
    "M3 16v3a2 2 0 0 0 2 2h3",
    "M16 21h3a2 2 0 0 0 2-2v-3",
  ],
  download: ["M12 15V3", "M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4", "m7 10 5 5 5-5"],
};

/** A DOM element; `props` are attributes, except `text`, `on` (listeners) and undefined ones. */
function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  setProps(node, props);
  node.append(...children.filter((child) => child != null));
  return node;
}

/** The same for SVG elements. */
function svg(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  setProps(node, props);
  node.append(...children.filter((child) => child != null));
  return node;
}

function setProps(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value == null || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name === "on") {
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else node.setAttribute(name, value === true ? "" : value);
  }
}

function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    ...ICONS[name].map((d) => svg("path", { d })),
  );
}

function iconButton(name, label, action) {
  return el(
    "button",
    { type: "button", class: "icon-button", title: label, "aria-label": label, "data-action": action },
    icon(name),
  );
}

/** 1,234,567 in full; ten million and more as "12.3 M". */
function formatCount(count) {
  return count < 1e7
    ? count.toLocaleString("en-US")
    : new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 }).format(count);
}

// How long an answer may take before the intents are sent once more (another click may have broken
// off the run that had them), and before whatever the server said last is believed again.
const REPEAT_MS = 1500;
const PATIENCE_MS = 4500;

/**
 * Carries intents to Python and knows which have been answered.
 *
 * Every message holds all intents that are not yet answered, numbered: a rerun that overtakes
 * another loses nothing, and Python skips what it has seen.
 */
class Channel {
  constructor(onGiveUp) {
    this.client = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    this.seq = 0;
    this.pending = [];
    this.onGiveUp = onGiveUp;
    this.timers = [];
  }

  send(intent) {
    this.seq += 1;
    this.pending.push({ seq: this.seq, ...intent });
    this.post();
    this.close();
    this.timers = [
      setTimeout(() => this.post(), REPEAT_MS),
      setTimeout(() => {
        this.pending = [];
        this.onGiveUp();
      }, PATIENCE_MS),
    ];
  }

  post() {
    this.setTriggerValue("intent", { client: this.client, intents: this.pending });
  }

  /** Takes note of what Python has answered; true when nothing is left unanswered. */
  receive(setTriggerValue, ack) {
    this.setTriggerValue = setTriggerValue;
    if (ack && ack.client === this.client) {
      this.pending = this.pending.filter((intent) => intent.seq > ack.seq);
    }
    if (this.pending.length === 0) this.close();
    return this.pending.length === 0;
  }

  waitsFor(test) {
    return this.pending.some(test);
  }

  close() {
    this.timers.forEach(clearTimeout);
  }
}

const VIEWS = new WeakMap();

/**
 * Streamlit calls a component's function again whenever its data or the theme changes, with the same
 * parent. This keeps one view a parent and hands it the new data. A view has `render(data)` and `destroy()`.
 *
 * While an intent is unanswered, data that was made before it is set aside: it would undo on screen
 * what the person has just done.
 */
function mount(component, makeView) {
  const { parentElement: root, data, setTriggerValue } = component;
  let view = VIEWS.get(root);
  if (!view) {
    let latest = data;
    const channel = new Channel(() => view.render(latest));
    view = makeView(root, channel);
    view.channel = channel;
    view.take = (fresh, setter) => {
      latest = fresh;
      if (channel.receive(setter, fresh.ack)) view.render(fresh);
      else if (!view.drawn) view.render(fresh);
      view.drawn = true;
    };
    VIEWS.set(root, view);
  }
  view.take(data, setTriggerValue);
  const host = root.host ?? root;
  // Streamlit also runs the clean-up of a call that a newer one has overtaken, so look before ending.
  return () =>
    setTimeout(() => {
      if (host.isConnected || VIEWS.get(root) !== view) return;
      view.channel.close();
      view.destroy();
      VIEWS.delete(root);
    }, 0);
}
