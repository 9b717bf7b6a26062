// What stands in a row of the layer list. Nothing here knows of the list or of Python.

function makeRow(row) {
  return el(
    "div",
    { class: "row", role: "row", tabindex: "-1", "data-name": row.name },
    el("span", { class: "grip", title: "Drag to move (Alt+↑ and Alt+↓)", "aria-hidden": "true" }, icon("grip")),
    el(
      "div",
      { class: "main", role: "gridcell" },
      el("div", { class: "line" }),
      el("div", { class: "summary" }),
    ),
    el("div", { class: "shape", role: "gridcell" }),
    el(
      "div",
      { class: "params", role: "gridcell" },
      el("span", { class: "count" }),
      el("span", { class: "share", "aria-hidden": "true" }, el("i")),
    ),
  );
}

/** Draws a row again if anything in it has changed. */
function updateRow(node, row) {
  const signature = JSON.stringify(row);
  if (node.signature === signature) return;
  node.signature = signature;
  node.row = row;
  const kept = ["chosen", "hovered"].filter((name) => node.classList.contains(name));
  node.className = ["row", row.state, ...kept].join(" ");
  node.dataset.name = row.name;
  node.style.setProperty("--group", row.colour);
  node.querySelector(".grip").title = `Drag to move ${row.title} (Alt+↑ and Alt+↓)`;
  const line = node.querySelector(".line");
  if (!line.querySelector(".rename")) line.replaceChildren(...headline(row));
  const summary = node.querySelector(".summary");
  summary.replaceChildren(...row.summary.flatMap(([text, inferred]) => summaryPart(text, inferred)));
  summary.title = row.summary.map(([text]) => text).join("");
  const shape = node.querySelector(".shape");
  shape.replaceChildren(...shapeParts(row.shape));
  shape.title = row.shape ? `Output ${row.shape}` : "";
  const count = node.querySelector(".count");
  count.textContent = row.state === "unreached" ? "" : row.params ? formatCount(row.params) : "—";
  count.classList.toggle("none", !row.params);
  count.title = row.params
    ? `${row.params.toLocaleString("en-US")} parameters, ${(row.share * 100).toFixed(1)} % of the model`
    : "No parameters";
  const bar = node.querySelector(".share");
  bar.hidden = !row.params;
  bar.firstChild.style.width = `${Math.max(row.share * 100, 1.5)}%`;
  for (const note of node.querySelectorAll(".note")) note.remove();
  if (row.message) node.append(makeNote("fault", row.message, row.fixes));
  if (row.warning) node.append(makeNote("warning", row.warning, row.warningFixes));
  if (node.querySelector(".actions")) addActions(node);
  node.setAttribute("aria-label", describe(row));
}

function headline(row) {
  return [
    el("span", { class: "chip", title: row.group, "aria-hidden": "true" }),
    el("span", { class: "title", text: row.title, title: row.op }),
    el("span", { class: "name", text: row.name, title: "Double-click or F2 to rename" }),
    row.state === "off" ? el("span", { class: "badge", text: "off" }) : null,
    row.inputs ? el("span", { class: "from", text: row.inputs, title: row.inputs }) : null,
  ].filter(Boolean);
}

/** The buttons of a row: there while it is chosen or pointed at. */
function addActions(node) {
  node.querySelector(".actions")?.remove();
  const off = node.row.state === "off";
  node.querySelector(".main").append(
    el(
      "div",
      { class: "actions", role: "toolbar", "aria-label": `Edit ${node.row.name}` },
      iconButton("pencil", "Rename (F2)", "rename"),
      iconButton("copy", "Duplicate (Ctrl+D)", "duplicate"),
      iconButton(off ? "eyeOff" : "eye", off ? "Switch on" : "Switch off", "toggle"),
      iconButton("plus", "Put the next layer below this one", "insert-below"),
      iconButton("trash", "Delete (Del)", "delete"),
    ),
  );
}

/** The inputs or the outputs of the model. */
function drawPorts(parent, ports, kind) {
  const signature = JSON.stringify(ports);
  if (parent.signature === signature) return;
  parent.signature = signature;
  parent.replaceChildren(
    ...ports.map((port) =>
      el(
        "div",
        {
          class: `port ${port.selected ? "chosen" : ""}`,
          role: "row",
          tabindex: kind === "input" ? "0" : null,
          "aria-selected": kind === "input" ? String(port.selected) : null,
          "data-input": kind === "input" ? port.name : null,
        },
        el("span", { class: "port-icon" }, icon(kind)),
        el(
          "div",
          { class: "main", role: "gridcell" },
          el("span", { class: "title", text: kind === "input" ? "Input" : "Output" }),
          el("span", { class: "name", text: port.name }),
          el("span", { class: "from", text: port.dtype }),
        ),
        el("div", { class: "shape", role: "gridcell" }, ...shapeParts(port.shape)),
        el("div", { class: "params", role: "gridcell" }),
      ),
    ),
  );
}

function summaryPart(text, inferred) {
  if (!inferred) return [text];
  const words = text.trimEnd();
  return [
    el("span", { class: "inferred", text: words, title: "Worked out from the layer before" }),
    text.slice(words.length),
  ];
}

/** A shape as text whose batch letter is faint, so that the sizes stand out. */
function shapeParts(shape) {
  if (!shape) return [el("span", { class: "unknown", text: "—" })];
  const match = /^\(N(,?)( ?)/.exec(shape);
  if (!match) return [document.createTextNode(shape)];
  return [
    el("span", { class: "batch", text: `(N${match[1]}${match[2]}` }),
    document.createTextNode(shape.slice(match[0].length, -1)),
    el("span", { class: "batch", text: ")" }),
  ];
}

function makeNote(kind, message, fixes) {
  return el(
    "div",
    { class: `note ${kind}-note`, role: "gridcell" },
    icon(kind),
    el("span", { class: "message", text: message }),
    fixes.length
      ? el(
          "span",
          { class: "fixes" },
          ...fixes.map((label, index) =>
            el("button", { type: "button", class: "fix", text: label, "data-fix": index, "data-of": kind }),
          ),
        )
      : null,
  );
}

function describe(row) {
  const words = [row.title, row.name, row.summary.map(([text]) => text).join("")];
  if (row.state === "off") words.push("switched off");
  if (row.state === "unreached") words.push("not reached");
  if (row.shape) words.push(`output ${row.shape}`);
  if (row.params) words.push(`${row.params} parameters`);
  if (row.message) words.push(`fault: ${row.message}`);
  if (row.warning) words.push(`warning: ${row.warning}`);
  return words.filter(Boolean).join(", ");
}
