// What the page shows now, and what changes that.

const trees = [];
const view = {
  number: 0, network: null, root: null, top: null, metric: null, whole: 0, selected: null,
  sort: null, unit: "blocks", matches: null, expanded: new Set(),

  // Show another network of several, as a whole.
  show(number, key = this.metric?.key) {
    const network = page.networks[number];
    const { root, nodes, metrics } = (trees[number] ??= grow(network));
    Object.assign(this, { number, network, top: root, root, nodes, metrics, selected: null, sort: null, matches: null });
    this.columns = columnsOf(network, metrics);
    this.foldToBlocks();
    this.measure(metrics.find((metric) => metric.key === key) ?? metrics[0]);
    byId("search").value = "";
    drawNetwork(this);
    choices(byId("metric"), "Width and area are", metrics.map(({ key: value, label }) => ({ value, label })), this.metric.key, (chosen) => {
      this.measure(metrics.find((metric) => metric.key === chosen));
      this.draw();
    });
    this.draw();
  },

  measure(metric) {
    this.metric = metric;
    this.whole = this.top.totals[metric.key];
  },

  foldToBlocks() {
    this.unit = "blocks";
    this.expanded = new Set([...this.nodes.values()].filter((node) => node.children.length && !node.block && ![...ancestorsOf(node)].some((one) => one.block)));
  },

  draw() {
    hideTip();
    drawStrip(byId("strip"), this);
    drawMap(byId("map"), this);
    drawLegend(byId("legend"), this);
    drawCrumbs(byId("crumbs"), this);
    this.drawTable();
  },

  drawTable() {
    drawHead(byId("head"), this);
    drawRows(byId("rows"), this);
  },

  zoom(node) {
    const focused = ["strip", "map"].find((id) => byId(id).contains(document.activeElement));
    this.root = node;
    this.selected = node.path ? node : null;
    setHash(this.selected ? hashOf(node, this) : "");
    this.draw();
    if (focused) byId(focused).querySelector(".box")?.focus();
    tell(`${printable(node.path || node.name)}: ${this.metric.text(node.totals[this.metric.key])} ${this.metric.unit}`);
  },

  // What was clicked: a block is zoomed into, a call is shown in the table.
  take(node) {
    if (node.children.length) this.zoom(node);
    else this.open(node);
  },

  // Show a row, whatever was folded, sorted or searched before.
  open(node) {
    Object.assign(this, { selected: node, sort: null });
    this.search("");
    for (const one of ancestorsOf(node)) this.expanded.add(one);
    if (node !== this.root && ![...ancestorsOf(node)].includes(this.root)) this.root = this.top;
    setHash(hashOf(node, this));
    this.draw();
    this.scrollTo(node);
    const row = rowOfNode(byId("rows"), node);
    row?.scrollIntoView({ block: "center" });
    row?.querySelector("a").focus({ preventScroll: true });
  },

  // Bring rows into being where there are too many for all to be there.
  scrollTo(node) {
    const place = byId("rows").closest(".scroll");
    place.scrollTop = (place.scrollHeight * this.rows.indexOf(node)) / this.rows.length;
    this.paint();
  },

  toggle(node) {
    if (!this.expanded.delete(node)) this.expanded.add(node);
    this.drawTable();
    rowOfNode(byId("rows"), node)?.querySelector("button").focus();
  },

  sortBy({ key, number }) {
    const first = number ? -1 : 1;
    if (this.sort?.key !== key) this.sort = { key, way: first };
    else this.sort = this.sort.way === first ? { key, way: -first } : null;
    this.drawTable();
    [...byId("head").querySelectorAll("button")][this.columns.findIndex((one) => one.key === key) >>> 0]?.focus();
  },

  // Keep the calls that have all words of a text in them, and what they are in.
  search(text) {
    byId("search").value = text;
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.matches = words.length ? new Set() : null;
    let count = 0, value = 0;
    for (const leaf of words.length ? leavesOf(this.top) : []) {
      const { layer } = leaf;
      leaf.words ??= [leaf.path, layer.label, layer.op, layer.kind, layer.block_type, ...Object.values(described(leaf))].join(" ").toLowerCase();
      if (!words.every((word) => leaf.words.includes(word))) continue;
      count += 1;
      value = plus(value, leaf.totals[this.metric.key]);
      for (const one of [leaf, ...ancestorsOf(leaf)]) this.matches.add(one);
    }
    const found = words.length ? `${plural(count, "operator")} of ${exact(this.top.layers.length)}, ${percent(value, this.whole)} of ${this.metric.label}` : "";
    byId("found").textContent = found;
  },
};

// `1.10` of the first network, `2/1.10` of the second.
function hashOf(node, { number }) {
  const path = `${number ? `${number + 1}/` : ""}${node.path}`.replace(/\p{Surrogate}/gu, "\ufffd");
  return encodeURIComponent(path).replaceAll("%2F", "/").replaceAll("%3A", ":");
}
const setHash = (hash) => history.replaceState(null, "", `#${hash}`);

function followHash() {
  let path = location.hash.slice(1);
  try {
    path = decodeURIComponent(path);
  } catch { /* as it stands */ }
  if (!path) return;
  const [, number, rest] = /^(\d+)\/(.*)$/s.exec(path) ?? [];
  const own = view.nodes.has(path) && view.number === 0;
  if (!own && rest !== undefined && page.networks[number - 1]) showNetwork(Number(number) - 1);
  else if (view.number && !own) showNetwork(0);
  const node = view.nodes.get(view.number ? rest : path);
  if (node) view.open(node);
  else tell(`There is no ${printable(path)} here.`);
}

function showNetwork(number) {
  if (number === view.number) return;
  byId("which").value = number;
  view.show(number);
}

function drawNetwork({ network }) {
  const { summary, memory } = network, { totals, source, settings, convention } = summary;
  byId("network-name").replaceChildren(name(summary.title || summary.model));
  const asked = Object.entries(settings).map(([key, value]) => `${key} ${value}`).join(", ");
  const paper = [source.paper, source.arxiv && `arXiv ${source.arxiv}`, source.table && `Table ${source.table}`].filter(Boolean).join(", ");
  const inputs = Object.entries(summary.inputs).map(([key, tensor], _, all) => [...(all.length > 1 ? [key] : []), shape(tensor)].filter(Boolean).join(" ")).join(", ");
  byId("network-says").textContent = printable([asked, paper, `input ${inputs}`, plural(summary.layers.length, "operator")].filter(Boolean).join(" · "));
  const least = summary.not_counted ? "at least " : "", most = summary.at_most ? "at most " : "";
  const tiles = [
    ["MACs", int(totals.macs), short(int(totals.macs)), `${least}${most}`], ["params", int(totals.params), short(int(totals.params))],
    ["activations", int(totals.activations), short(int(totals.activations))], ["bytes at the peak", int(memory.total_bytes), binary(memory.total_bytes), memory.unknown ? "at least " : ""]];
  const boxes = tiles.map(([label, value, large, before = ""]) => h("div", { class: "tile" },
    h("dt", {}, label), h("dd", {}, h("span", { class: "large" }, before + large), h("span", { class: "exact", "data-total": label }, exact(value)))));
  if (network.latency) {
    const { value, low, high } = network.latency.estimates.latency;
    const ends = high == null ? `at least ${milliseconds(low)} ms` : `${milliseconds(low)}–${milliseconds(high)}`;
    boxes.push(h("div", { class: "tile" }, h("dt", {}, `on ${printable(network.latency.device.name)}, predicted`),
      h("dd", {}, h("span", { class: "large" }, `${milliseconds(value)} ms`), h("span", { class: "exact" }, ends))));
  }
  byId("tiles").replaceChildren(...boxes);
  const uncounted = Object.entries(summary.not_counted ?? {}).map(([key, count]) => `${key} ×${count}`);
  byId("convention").textContent = `Convention ${convention.name} ${convention.version}: ${convention.text}.`;
  byId("remarks").replaceChildren(...[
    ...(uncounted.length ? [`Not counted: ${uncounted.join(", ")}`] : []),
    ...(summary.conventions ?? []).map((one) => `${one.name} ${one.version} counts ${exact(int(one.total))} ${one.unit}: ${one.text}`),
    ...(summary.remarks ?? [])].map((text) => h("li", {}, printable(text))));
  drawMemory(network);
  drawRoofline(network);
}

function followTheme() {
  const dark = byId("dark"), systemDark = matchMedia("(prefers-color-scheme: dark)").matches;
  dark.setAttribute("aria-pressed", String(systemDark));
  dark.addEventListener("click", () => {
    const pressed = dark.getAttribute("aria-pressed") !== "true";
    dark.setAttribute("aria-pressed", String(pressed));
    document.documentElement.dataset.theme = pressed ? "dark" : "light";
  });
}

function startNetworks() {
  const which = byId("which");
  which.replaceChildren(...page.networks.map(({ summary }, index) => h("option", { value: index }, printable(summary.title || summary.model))));
  byId("pick-network").hidden = page.networks.length < 2;
  which.addEventListener("change", () => {
    setHash("");
    view.show(Number(which.value));
  });
  byId("search").addEventListener("input", (event) => {
    view.search(event.target.value);
    view.draw();
  });
  byId("fold").addEventListener("click", () => {
    view.foldToBlocks();
    view.drawTable();
  });
  byId("unfold").addEventListener("click", () => {
    view.unit = "operators";
    view.expanded = new Set([...view.nodes.values()].filter((node) => node.children.length));
    view.drawTable();
  });
  for (const format of ["markdown", "csv"]) {
    byId(`copy-${format}`).addEventListener("click", async () => {
      await toClipboard(copied(view, format));
      tell(`${plural(view.rows.length, "row")} copied`);
    });
  }
  byId("rows").closest(".scroll").addEventListener("scroll", () => view.paint(), { passive: true });
  addEventListener("beforeprint", () => view.paint(true));
  addEventListener("afterprint", () => view.paint());
  for (const id of ["strip", "map"]) rove(byId(id), ".box");
  document.addEventListener("keydown", ({ key, target }) => {
    if (key === "Escape" && view.root.parent && !target.matches("input, select")) view.zoom(view.root.parent);
  });
  let width = byId("map").clientWidth;
  new ResizeObserver(() => {
    if (byId("map").clientWidth === width) return;
    width = byId("map").clientWidth;
    drawMap(byId("map"), view);
  }).observe(byId("map"));
  view.show(0);
  addEventListener("hashchange", followHash);
  followHash();
}

followTheme();
drawComparison();
drawSweep(page);
if (page.networks) startNetworks();
