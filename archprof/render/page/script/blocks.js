// The network as boxes: a strip in the order of its calls, and a map of areas, both of what is zoomed into.

const LEVELS = 4; // of boxes inside each other
const ROW = 30; // px of a level of the strip
const LEAST = 0.0012; // of the width, below which a box is left out

// What has nothing is left out, and what has everything of what it is in stands for that.
function weighed(root, metric) {
  const weighty = (node) => node.children.filter((child) => Number(child.totals[metric.key]));
  const told = (node) => {
    const inside = weighty(node);
    return inside.length === 1 ? told(inside[0]) : node;
  };
  return d3.hierarchy(root, (node) => weighty(node).map(told)).sum((node) => (node.children.length ? 0 : Number(node.totals[metric.key])));
}

// Of a block its path, inside it what is behind that; and the same for where there is little room.
function namesOf({ data: node, parent }) {
  const inside = parent && (parent.data.block || [...ancestorsOf(parent.data)].some((one) => one.block));
  if (!inside) return [node.path || node.name, node.name];
  const behind = node.path.slice(parent.data.path.length).replace(/^[./]/, "") || node.name;
  return [behind, segments(behind)[0] ?? behind];
}

function drawStrip(container, view) {
  const laid = d3.partition()(weighed(view.root, view.metric));
  const deepest = Math.min(LEVELS, laid.height || 1);
  const shown = laid.descendants().filter((one) => one.depth <= LEVELS && (one.depth || !laid.children) && one.x1 - one.x0 > LEAST);
  container.style.height = `${deepest * ROW}px`;
  container.replaceChildren(...shown.map((one) => {
    const top = Math.max(one.depth - 1, 0) * ROW;
    const height = one.children ? ROW : deepest * ROW - top;
    return boxOf(one, view, { left: one.x0, width: one.x1 - one.x0, top, height }, container.clientWidth);
  }));
  finishBoxes(container, view, "in the order of its calls; width");
}

function drawMap(container, view) {
  const [width, height] = [container.clientWidth, container.clientHeight];
  const areas = weighed(view.root, view.metric).sort((one, other) => other.value - one.value);
  d3.treemap().size([width, height]).paddingInner(1).paddingOuter((one) => (one.depth ? 1 : 0))
    .paddingTop((one) => (one.depth && one.depth < LEVELS && one.children ? 19 : 0))
    .round(true)(areas);
  const shown = areas.descendants().filter((one) =>
    one.depth <= LEVELS && (one.depth || !areas.children) && one.x1 - one.x0 >= 3 && one.y1 - one.y0 >= 3);
  container.replaceChildren(...shown.map((one) => {
    const box = { left: one.x0 / width, width: (one.x1 - one.x0) / width, top: one.y0, height: one.y1 - one.y0 };
    const element = boxOf(one, view, box, width);
    if (one.depth === LEVELS && one.children) element.classList.add("more");
    return element;
  }));
  finishBoxes(container, view, "as areas, the largest first; area");
}

// The box of a node in a place so many px wide; a small one says less.
function boxOf(one, view, { left, width, top, height }, place) {
  const { data: node } = one, { metric } = view, value = node.totals[metric.key], share = percent(value, view.whole);
  const element = h("button", {
    type: "button", class: `box ${node.layer ? `kind-${node.layer.kind}` : "inner"}`, tabindex: -1,
    "aria-label": `${printable(node.path || node.name)} ${share}, ${printable(node.label)}: ${metric.text(value)} ${metric.unit}`,
    onclick: () => view.take(node),
    onpointerenter: (event) => showTip(event.currentTarget, node, view), onpointerleave: hideTip,
    onfocus: (event) => showTip(event.currentTarget, node, view), onblur: hideTip,
  });
  const [long, brief] = namesOf(one), room = width * place;
  if (room > 24 && height > 12) element.append(name(long.length * 7 + 10 > room ? brief : long));
  if (room > long.length * 7 + 50 && height > 12) element.append(" ", h("span", { class: "share" }, share));
  if (view.selected === node) element.classList.add("selected");
  if (view.matches && !view.matches.has(node)) element.classList.add("dim");
  Object.assign(element.style, { left: `${left * 100}%`, width: `${width * 100}%`, top: `${top}px`, height: `${height}px` });
  return element;
}

function finishBoxes(container, { root, metric, whole }, how) {
  container.setAttribute("aria-label", `${printable(root.path || root.name)} ${how}: ${metric.says}`);
  const first = container.querySelector(".box");
  if (first) first.tabIndex = 0;
  else container.replaceChildren(h("p", { class: "empty" }, `No ${metric.unit} here.`));
}

function showTip(element, node, { metrics, whole, metric }) {
  const tip = byId("tip"), { input, output } = described(node);
  tip.replaceChildren(
    h("strong", {}, name(node.path || node.name)), ` ${printable(node.label)}`, h("br"), `${input} → ${output}`,
    ...metrics.flatMap((one) => [h("br"), `${one.label} ${one.short(node.totals[one.key])}`, one === metric ? ` · ${percent(node.totals[one.key], whole)}` : null]));
  tip.hidden = false;
  const box = element.getBoundingClientRect(), [width, height] = [tip.offsetWidth, tip.offsetHeight];
  const left = Math.max(8, Math.min(box.left, innerWidth - width - 8));
  const top = box.bottom + height + 8 < innerHeight ? box.bottom + 6 : Math.max(8, box.top - height - 6);
  Object.assign(tip.style, { left: `${left}px`, top: `${top}px` });
}

function hideTip() {
  byId("tip").hidden = true;
}

function drawLegend(container, { root, metric, whole }) {
  const kinds = new Map();
  for (const layer of root.layers) kinds.set(layer.kind, plus(kinds.get(layer.kind) ?? 0, metric.of(layer)));
  const sorted = [...kinds].filter(([, value]) => Number(value)).sort(([, one], [, other]) => Number(other) - Number(one));
  container.replaceChildren(...sorted.map(([kind, value]) =>
    h("li", {}, h("span", { class: `chip kind-${kind}` }), `${kind} ${percent(value, whole)}`)));
}

function drawCrumbs(container, view) {
  const way = [...ancestorsOf(view.root)].reverse();
  container.replaceChildren(
    ...way.map((node) => h("li", {}, h("button", { type: "button", onclick: () => view.zoom(node) }, name(node.name)))),
    h("li", { "aria-current": "true" }, name(view.root.name)));
}
