// The table of layers: a tree that folds, or a list that is sorted or searched.

function columnsOf(network, metrics) {
  const { conventions = [], totals } = network.summary;
  const counted = (key) => (node) => sum(node.layers.map((layer) => int(layer[key])));
  const number = (key, title, of) => ({ key, title, of, number: true, text: exact });
  const found = [
    { key: "path", title: "path", of: (node) => node.path },
    { key: "op", title: "operator", of: (node) => node.label },
    ...["input", "output", "kernel", "stride"].map((key) => ({
      key, title: { kernel: "k", stride: "s" }[key] ?? key, right: true, of: (node) => (node.described ??= described(node))[key],
    })),
    number("params", "params", (node) => node.totals.params),
    ...(String(totals.trainable) === String(totals.params) ? [] : [number("trainable", "trainable", counted("trainable"))]),
    number("macs", "MACs", (node) => node.totals.macs),
    ...(totals.flops === undefined ? [] : [number("flops", "FLOPs", counted("flops"))]),
    ...conventions.map((one) => number(`by-${one.name}`, `${one.name} ${one.unit}`,
      (node) => sum(node.layers.map((layer) => int(layer.counts?.[one.name] ?? 0))))),
    number("activations", "activations", counted("activations")),
    number("memory", "bytes moved", (node) => node.totals.memory),
  ];
  if (metrics.some((metric) => metric.key === "saved")) found.push(number("saved", "bytes saved", (node) => node.totals.saved));
  if (network.latency) found.push({ ...number("latency", "ms", (node) => node.totals.latency), text: milliseconds });
  return found;
}

// The nodes that rows show, in order.
function nodesShown(view) {
  const { root, sort, unit, expanded, matches } = view;
  if (!sort && !matches) return unfolded(root, expanded);
  let found = [...leavesOf(root)];
  if (matches) found = found.filter((node) => matches.has(node));
  else if (unit === "blocks") found = blocksOf(root);
  if (!sort) return found;
  const column = view.columns.find((one) => one.key === sort.key) ?? { of: (node) => node.totals[view.metric.key], number: true };
  const compare = column.number ? (one, other) => (one < other ? -1 : one > other ? 1 : 0) : (one, other) => String(one).localeCompare(String(other), "en", { numeric: true });
  const keyed = found.map((node) => [column.of(node), node]);
  keyed.sort(([one], [other]) => sort.way * compare(one, other));
  return keyed.map(([, node]) => node);
}

function unfolded(root, expanded) {
  const found = [];
  const visit = (node) => {
    for (const child of node.children) {
      found.push(child);
      if (expanded.has(child)) visit(child);
    }
  };
  visit(root);
  return found.length ? found : [root];
}

// Blocks, and what stands beside them.
function blocksOf(node) {
  if (node.block || !node.children.length) return [node];
  return node.children.flatMap(blocksOf);
}

function drawHead(row, view) {
  const head = (column) => {
    const sorted = view.sort?.key === column.key;
    return h("th", { scope: "col", class: column.number || column.right ? "number" : null, "aria-sort": sorted ? (view.sort.way > 0 ? "ascending" : "descending") : "none" },
      h("button", { type: "button", onclick: () => view.sortBy(column) }, column.title, h("span", { class: "way", "aria-hidden": "true" }, sorted ? (view.sort.way > 0 ? "▲" : "▼") : "")));
  };
  const share = { key: "share", title: `share of ${view.metric.label}`, number: true };
  row.replaceChildren(...view.columns.map(head), head(share));
}

const FEW = 600; // rows that are all there at once; of more, those in sight
const AROUND = 100; // rows that are there above and below them

function drawRows(body, view) {
  const nodes = nodesShown(view), tree = !view.sort && !view.matches;
  const most = Math.max(1e-300, ...nodesOfBars(view).map((node) => Number(node.totals[view.metric.key])));
  const rows = (from, to) => {
    const found = document.createDocumentFragment();
    nodes.slice(from, to).forEach((node, index) => found.append(rowFor(node, view, tree, most, from + index)));
    return found;
  };
  view.rows = nodes;
  view.paint = nodes.length > FEW ? painter(body, nodes.length, rows, () => widest(nodes, view)) : () => {};
  if (nodes.length > FEW) view.paint();
  else body.replaceChildren(rows(0, nodes.length));
  byId("table").setAttribute("aria-rowcount", nodes.length + 1);
  byId("no-rows").hidden = nodes.length > 0;
}

// Return what draws the rows that are in sight, or every one, and as much room as the others would take.
function painter(body, count, rows, sizer) {
  const place = body.closest(".scroll"), wide = sizer();
  let drawn = -1, height = 0;
  const room = (lines) => {
    const cell = h("td", { colspan: wide.cells.length });
    cell.style.height = `${lines * height}px`;
    return h("tr", { class: "room", "aria-hidden": "true" }, cell);
  };
  return (all = false) => {
    if (!height) {
      body.replaceChildren(rows(0, 1), wide);
      height = body.rows[0].getBoundingClientRect().height;
    }
    const from = all ? 0 : Math.max(0, AROUND * Math.floor(place.scrollTop / height / AROUND - 1));
    if (from === drawn && !all) return;
    drawn = all ? -1 : from;
    const to = all ? count : Math.min(count, from + 3 * AROUND);
    const { node, tagName } = { node: document.activeElement.closest("#rows tr")?.node, tagName: document.activeElement.tagName };
    body.replaceChildren(room(from), rows(from, to), room(count - to), wide);
    if (node) rowOfNode(body, node)?.querySelector(tagName)?.focus({ preventScroll: true });
  };
}

const rowOfNode = (body, node) => [...body.rows].find((row) => row.node === node);

// A row without height that has the longest text of each column, so that none gets wider while one scrolls.
function widest(nodes, { columns, whole, metric }) {
  const longest = (texts) => texts.reduce((most, text) => (text.length > most.length ? text : most), "");
  const largest = (column) => column.text(nodes.map(column.of).reduce((most, value) => (value > most ? value : most), 0));
  const texts = columns.map((column) => (column.number ? largest(column) : longest(nodes.map((node) => printable(column.of(node))))));
  return h("tr", { class: "widest", "aria-hidden": "true" }, ...texts.map((text) => h("td", {}, h("div", {}, text))), h("td", {}));
}

const nodesOfBars = ({ root, unit }) => (unit === "blocks" ? blocksOf(root) : [...leavesOf(root)]);

function rowFor(node, view, tree, most, index) {
  const { columns, metric, whole } = view;
  const row = h("tr", { class: node === view.selected ? "selected" : null, "aria-rowindex": index + 2 });
  row.node = node;
  row.append(pathCell(node, view, tree));
  for (const column of columns.slice(1)) {
    const value = column.of(node), cell = document.createElement("td");
    if (column.number || column.right) cell.className = "number";
    cell.textContent = column.number ? column.text(value) : printable(value);
    row.append(cell);
  }
  const value = node.totals[metric.key], bar = document.createElement("span"), cell = document.createElement("td");
  bar.className = "bar";
  bar.style.width = `${Math.min(1, Number(value) / most) * 4}rem`;
  cell.className = "number shares";
  cell.append(h("span", { class: "part" }, percent(value, whole)), bar);
  row.append(cell);
  return row;
}

function pathCell(node, view, tree) {
  const cell = document.createElement("th");
  cell.scope = "row";
  if (tree) cell.style.paddingInlineStart = `${(node.depth - view.root.depth - 1) * 1.1 + 0.4}rem`;
  const link = h("a", { href: `#${hashOf(node, view)}` }, name(node.path || node.name));
  if (!tree || !node.children.length) {
    if (tree) link.className = "leaf";
    cell.append(link);
    return cell;
  }
  const open = view.expanded.has(node);
  cell.append(h("button", { type: "button", class: "fold", "aria-expanded": String(open), "aria-label": `${open ? "Fold" : "Unfold"} ${printable(node.path)}`, onclick: () => view.toggle(node) },
    open ? "▾" : "▸"), link);
  return cell;
}

// What rows show, as Markdown or CSV: exact numbers, and no text that a spreadsheet would run.
function copied(view, format) {
  const head = [...view.columns.map((column) => column.title), "share"];
  const cells = view.rows.map((node) => [
    ...view.columns.map((column) => (column.number ? numberFor(column, node, format) : printable(column.of(node)))), percent(node.totals[view.metric.key], view.whole)]);
  if (format === "csv") return [head, ...cells].map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
  const aligned = [...view.columns.map((column) => (column.number || column.right ? "---:" : "---")), "---:"];
  return [head, aligned, ...cells].map((row) => `| ${row.map(markdownCell).join(" | ")} |`).join("\n") + "\n";
}

function numberFor(column, node, format) {
  const value = column.of(node);
  return format === "csv" ? String(value) : column.text(value);
}

const markdownCell = (text) => text.replace(/[\\`*_{}[\]<>|~]/g, "\\$&");

function csvCell(text) {
  const safe = /^\s*[=+\-@＝＋－＠]/.test(text) && !/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // of a file, or without the permission
    const area = h("textarea", { class: "hidden-visually", readonly: true, "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
