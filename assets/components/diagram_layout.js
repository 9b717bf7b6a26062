// Where the boxes and lines of a diagram go. Numbers in, numbers out: nothing here touches the page.
//
// The graph is cut wherever all that goes on comes from one layer. The pieces, a single layer or a
// block of branches, are laid out one by one (so the cost grows with the largest piece) and stacked
// in as many columns as make the whole most legible.

const GAP = 18;
const SIDE_GAP = 26;
const COLUMN_GAP = 54;
const LANE = 12;
// With more than this many layers' worth of long edges in a piece, dagre takes over half a second.
const DAGRE_BUDGET = 500;
const JOINT = "\u0000joint";

/** Cuts nodes (in running order) into pieces; edges know their ends by position. */
function cutIntoPieces(count, edges) {
  const reach = new Array(count).fill(-1);
  const fed = new Set(edges.map(({ to }) => to));
  for (const { from, to } of edges) reach[from] = Math.max(reach[from], to);
  const pieces = [];
  let start = 0;
  // What has no layer before it, such as a second input, must not stand below a cut.
  let furthest = -1;
  for (let i = 1; i < count; i++) if (!fed.has(i)) furthest = i;
  for (let i = 0; i < count; i++) {
    // Nothing before i goes past i, so only i itself feeds what follows.
    if (furthest <= i && (reach[i] > i || i === count - 1)) {
      pieces.push({ start, end: i });
      start = i + 1;
    }
    furthest = Math.max(furthest, reach[i]);
  }
  if (start < count) pieces.push({ start, end: count - 1 });
  return pieces;
}

/** Lays out one piece; positions are relative to its entry, whose x is 0 and whose top is 0. */
function layOutPiece(piece, inner, entering, size) {
  const joint = entering.length > 1;
  const nodes = [];
  for (let i = piece.start; i <= piece.end; i++) nodes.push(i);
  if (nodes.length === 1 && !joint) {
    return {
      boxes: new Map([[nodes[0], { x: 0, y: size.height / 2 }]]),
      lines: [],
      left: -size.width / 2,
      right: size.width / 2,
      height: size.height,
      exit: 0,
      joint,
    };
  }
  const edges = [...inner, ...(joint ? entering.map((edge) => ({ ...edge, from: JOINT, source: edge.from })) : [])];
  const steps = edges.map(({ from, to }) => to - (from === JOINT ? piece.start - 1 : from));
  // A chain with skips reads best as a straight line with rails; branches stand side by side.
  const chain = new Set(edges.filter((_, i) => steps[i] === 1).map(({ to }) => to));
  const isChain = nodes.every((i) => chain.has(i) || (i === piece.start && !joint));
  const span = steps.reduce((sum, step) => sum + step, 0);
  const lay = isChain || span > DAGRE_BUDGET ? ladder : layered;
  const laid = lay(nodes, edges, size, joint);
  const entry = joint ? laid.joint.x : laid.boxes.get(entering[0]?.to ?? nodes[0]).x;
  const exit = laid.boxes.get(piece.end).x - entry;
  for (const box of laid.boxes.values()) box.x -= entry;
  for (const line of laid.lines) line.points = line.points.map(({ x, y }) => ({ x: x - entry, y }));
  const xs = [...laid.boxes.values()].flatMap(({ x }) => [x - size.width / 2, x + size.width / 2]);
  for (const line of laid.lines) for (const { x } of line.points) xs.push(x);
  return {
    boxes: laid.boxes,
    lines: laid.lines,
    left: xs.reduce((a, b) => Math.min(a, b), 0),
    right: xs.reduce((a, b) => Math.max(a, b), 0),
    height: laid.height,
    exit,
    joint,
  };
}

function layered(nodes, edges, size, joint) {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: SIDE_GAP, edgesep: SIDE_GAP, ranksep: GAP, ranker: "tight-tree" });
  graph.setDefaultEdgeLabel(() => ({}));
  if (joint) graph.setNode(JOINT, { width: 1, height: 1 });
  for (const i of nodes) graph.setNode(String(i), { width: size.width, height: size.height });
  edges.forEach(({ from, to }, index) => graph.setEdge(String(from), String(to), {}, String(index)));
  dagre.layout(graph);
  const boxes = new Map(nodes.map((i) => [i, { x: graph.node(String(i)).x, y: graph.node(String(i)).y }]));
  const lines = edges.map((edge, index) => ({
    ...edge,
    points: graph.edge({ v: String(edge.from), w: String(edge.to), name: String(index) }).points,
  }));
  return { boxes, lines, height: graph.graph().height, joint: joint ? graph.node(JOINT) : null };
}

/** One column with the skips as rails beside it; all skips of one layer share a rail. */
function ladder(nodes, edges, size, joint) {
  const step = size.height + GAP;
  const top = joint ? GAP : 0;
  const first = nodes[0];
  const boxes = new Map(nodes.map((i) => [i, { x: 0, y: top + (i - first) * step + size.height / 2 }]));
  const position = (end) => (end === JOINT ? first - 1 : end);
  const rails = new Map();
  for (const { from, to } of edges) {
    if (to - position(from) > 1) rails.set(from, Math.max(rails.get(from) ?? -1, to));
  }
  const lanes = [];
  const laneOf = new Map();
  // From the last to the first, so that of two nested skips the inner one has the inner rail.
  for (const [from, last] of [...rails].sort((a, b) => position(b[0]) - position(a[0]))) {
    let lane = lanes.findIndex((start) => start >= last);
    if (lane < 0) lane = lanes.length;
    lanes[lane] = position(from);
    laneOf.set(from, size.width / 2 + (lane + 1) * LANE);
  }
  const lines = edges.map((edge) => {
    const to = boxes.get(edge.to);
    const start = edge.from === JOINT ? { x: 0, y: 0 } : boxes.get(edge.from);
    const bottom = edge.from === JOINT ? 0 : start.y + size.height / 2;
    if (edge.to - position(edge.from) === 1) {
      return { ...edge, points: [{ x: 0, y: bottom }, { x: 0, y: to.y - size.height / 2 }] };
    }
    const rail = laneOf.get(edge.from);
    const out = edge.from === JOINT ? { x: 0, y: 2 } : { x: size.width / 2, y: start.y + 6 };
    const end = to.y - 6;
    return {
      ...edge,
      square: true,
      points: [out, { x: rail, y: out.y }, { x: rail, y: end }, { x: size.width / 2, y: end }],
    };
  });
  return { boxes, lines, height: top + nodes.length * step - GAP, joint: joint ? { x: 0, y: 0 } : null };
}

/** The number of columns that lets the frame show everything at the largest scale. */
function stack(pieces, frame) {
  const total = pieces.reduce((sum, piece) => sum + piece.height + GAP, 0);
  const tallest = Math.max(...pieces.map((piece) => piece.height));
  let best = null;
  for (let wanted = 1; wanted <= Math.min(pieces.length, 40); wanted++) {
    const limit = Math.max(total / wanted, tallest) + GAP;
    const columns = [];
    let column = null;
    for (const piece of pieces) {
      if (!column || column.height + piece.height > limit) {
        column = { pieces: [], height: 0, left: 0, right: 0, axis: 0 };
        columns.push(column);
      }
      column.pieces.push({ piece, x: column.axis, y: column.height });
      column.height += piece.height + GAP;
      column.left = Math.min(column.left, column.axis + piece.left);
      column.right = Math.max(column.right, column.axis + piece.right);
      column.axis += piece.exit;
    }
    const width = columns.reduce((sum, { left, right }) => sum + right - left + COLUMN_GAP, -COLUMN_GAP);
    const height = Math.max(...columns.map((each) => each.height)) - GAP;
    const scale = Math.min(frame.width / width, frame.height / height, 1);
    if (!best || scale > best.scale * 1.02) best = { columns, width, height, scale };
    if (limit <= tallest + GAP) break;
  }
  return best;
}

/**
 * Places everything. `nodes` are ids in running order, `edges` have source, target and label; all
 * boxes have one `size`. Returns boxes by id (centres), lines with points, and the whole's size.
 */
function layOut(nodes, edges, size, frame) {
  const position = new Map(nodes.map((id, index) => [id, index]));
  const known = edges
    .map(({ source, target, label }) => ({ from: position.get(source), to: position.get(target), label }))
    .filter(({ from, to }) => from !== undefined && to !== undefined && from < to);
  if (nodes.length === 0) return { boxes: new Map(), lines: [], width: 0, height: 0 };
  const pieceOf = [];
  const pieces = cutIntoPieces(nodes.length, known);
  pieces.forEach(({ start, end }, index) => {
    for (let i = start; i <= end; i++) pieceOf[i] = index;
  });
  const inner = pieces.map(() => []);
  const entering = pieces.map(() => []);
  for (const edge of known) {
    (pieceOf[edge.from] === pieceOf[edge.to] ? inner : entering)[pieceOf[edge.to]].push(edge);
  }
  const laid = pieces.map((piece, i) => layOutPiece(piece, inner[i], entering[i], size));
  const { columns, width, height } = stack(laid, frame);

  const boxes = new Map();
  const lines = [];
  let left = 0;
  let previous = null;
  columns.forEach((column, index) => {
    for (const { piece, x, y } of column.pieces) {
      const axis = left - column.left + x;
      for (const [i, box] of piece.boxes) boxes.set(nodes[i], { x: axis + box.x, y: y + box.y });
      for (const line of piece.lines) {
        lines.push({ ...line, points: line.points.map((point) => ({ x: axis + point.x, y: y + point.y })) });
      }
      const arriving = entering[laid.indexOf(piece)];
      if (arriving.length) {
        const from = boxes.get(nodes[arriving[0].from]);
        const entry = piece.joint
          ? { x: axis, y }
          : { x: boxes.get(nodes[arriving[0].to]).x, y: boxes.get(nodes[arriving[0].to]).y - size.height / 2 };
        const exit = { x: from.x, y: from.y + size.height / 2 };
        const wraps = previous !== null && previous !== index;
        lines.push({
          ...arriving[0],
          joint: piece.joint,
          label: piece.joint ? "" : arriving[0].label,
          square: wraps,
          points: wraps ? around(exit, entry, left - COLUMN_GAP / 2) : [exit, entry],
        });
      }
      previous = index;
    }
    left += column.right - column.left + COLUMN_GAP;
  });
  return { boxes, lines, width, height };
}

/** From the foot of one column to the head of the next, by the gutter between them. */
function around(exit, entry, gutter) {
  const low = exit.y + GAP / 2;
  const high = entry.y - GAP / 2 - 4;
  return [exit, { x: exit.x, y: low }, { x: gutter, y: low }, { x: gutter, y: high }, { x: entry.x, y: high }, entry];
}

/** An SVG path through points: round corners for square routes, one smooth curve for the rest. */
function pathThrough(points, square) {
  const at = ({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`;
  if (points.length === 2) {
    const [a, b] = points;
    if (Math.abs(a.x - b.x) < 0.5) return `M${at(a)}L${at(b)}`;
    const middle = (a.y + b.y) / 2;
    return `M${at(a)}C${at({ x: a.x, y: middle })} ${at({ x: b.x, y: middle })} ${at(b)}`;
  }
  let path = `M${at(points[0])}`;
  for (let i = 1; i < points.length - 1; i++) {
    const [before, corner, after] = [points[i - 1], points[i], points[i + 1]];
    if (square) {
      path += `L${at(towards(corner, before, 7))}Q${at(corner)} ${at(towards(corner, after, 7))}`;
    } else {
      const last = i === points.length - 2;
      const middle = { x: (corner.x + after.x) / 2, y: (corner.y + after.y) / 2 };
      path += `Q${at(corner)} ${at(last ? after : middle)}`;
    }
  }
  return square ? `${path}L${at(points.at(-1))}` : path;
}

function towards(from, to, distance) {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const part = Math.min(distance, length / 2) / length;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}
