// A network's calls as a tree by their paths, with sums.

const WIDTHS = { fp32: 4, fp16: 2, bf16: 2, int8: 1 };

// What the width of a box may be; each is exact, but times.
function metricsOf({ summary, latency }) {
  const { setup } = summary;
  const at = `${setup.dtype}, batch ${exact(setup.batch)}`;
  const bytes = { text: exact, short: binary, unit: "bytes" };
  const found = [
    { key: "macs", label: "MACs", unit: "MACs", text: exact, short, of: (layer) => int(layer.macs), says: "multiply-accumulates" },
    { key: "params", label: "Params", unit: "params", text: exact, short, of: (layer) => int(layer.params), says: "parameters" },
    { key: "activations", label: "Activation bytes", ...bytes, says: `bytes that layers which multiply put out: ${at}`,
      of: (layer) => times(int(layer.activations), WIDTHS[setup.dtype] * setup.batch) },
    { key: "memory", label: "Memory traffic", ...bytes, says: `bytes read and written, of inputs, outputs and weights: ${at}`,
      of: ({ traffic }) => sum([...[traffic.input_bytes, traffic.output_bytes, traffic.held_bytes].map(int), -int(traffic.unread_bytes ?? 0)]) },
  ];
  if (setup.train) found.push({ key: "saved", label: "Saved", ...bytes, says: `bytes saved for the backward pass: ${at}`, of: ({ traffic }) => int(traffic.saved_bytes) });
  if (latency) {
    const ms = new Map(latency.layers.map((layer) => [layer.path, layer.ms]));
    found.push({ key: "latency", label: "Latency", unit: "ms", text: milliseconds, short: (value) => `${milliseconds(value)} ms`,
      of: (layer) => ms.get(layer.path), says: `predicted milliseconds on ${printable(latency.device.name)}, of each call` });
  }
  return found;
}

// Of a module `blocks.0`, of a call `blocks.0:add[0]`, of a file's node `/blocks/0/Add`.
const segments = (path) => path.split(/\.|(?=:)|(?<=.)\/(?=.)/).filter(Boolean);

function grow(network) {
  const metrics = metricsOf(network), { layers } = network.summary;
  const root = { path: "", name: network.summary.title || network.summary.model, children: [], layers, depth: 0, parent: null };
  const nodes = new Map(), blocks = new Map(layers.map((layer) => [layer.block, layer.block_type]));
  layers.forEach((layer, index) => {
    layer.index = index;
    let parent = root, end = 0;
    for (const part of segments(layer.path)) {
      end = layer.path.indexOf(part, end) + part.length;
      parent = childOf(parent, part, layer.path.slice(0, end), nodes);
      parent.layers.push(layer);
    }
    parent.layer = layer;
  });
  for (const node of [root, ...nodes.values()]) finish(node, metrics, blocks);
  return { root, nodes, metrics };
}

function childOf(parent, part, path, nodes) {
  if (!nodes.has(path)) {
    const node = { path, name: part, children: [], layers: [], depth: parent.depth + 1, parent };
    nodes.set(path, node);
    parent.children.push(node);
  }
  return nodes.get(path);
}

// A module that calls something itself beside what is in it has that as a leaf of its own.
function finish(node, metrics, blocks) {
  node.totals = Object.fromEntries(metrics.map((metric) => [metric.key, sum(node.layers.map(metric.of))]));
  node.block = blocks.has(node.path);
  if (node.layer && node.children.length) {
    const { layer, path, name, depth } = node;
    const own = { path, name, layer, children: [], layers: [layer], depth: depth + 1, parent: node, block: false };
    own.totals = Object.fromEntries(metrics.map((metric) => [metric.key, metric.of(layer)]));
    node.children.unshift(own);
    node.layer = undefined;
  }
  node.label = node.layer ? node.layer.label : blocks.get(node.path) ?? labelOf(node);
}

function labelOf(node) {
  const types = [...new Set(node.layers.map((layer) => layer.block_type))];
  return types.length <= 2 ? types.join(", ") : "several";
}

function* leavesOf(node) {
  if (!node.children.length) yield node;
  for (const child of node.children) yield* leavesOf(child);
}

function* ancestorsOf(node) {
  for (let one = node.parent; one; one = one.parent) yield one;
}

// What describes the calls of a node together, as a line of `archprof summary` does.
function described(node) {
  const { layers } = node;
  const reading = layers.filter((layer) => layer.inputs.length);
  const first = reading.find((layer) => !layer.constant) ?? reading[0];
  const kernels = [...new Set(layers.filter((layer) => layer.kernel).map((layer) => sizes(layer.kernel)))];
  const large = kernels.filter((kernel) => kernel !== "1");
  const shown = large.length ? large : kernels.slice(0, 1);
  const strides = layers.filter((layer) => layer.stride).map((layer) => layer.stride);
  return {
    input: shape(first?.inputs[0]),
    output: shape(layers[layers.length - 1]?.outputs[0]),
    kernel: shown.length < 5 ? shown.join(",") : `${shown[0]}…${shown[shown.length - 1]}`,
    stride: strides.length ? sizes(strides.reduce((most, one) => (Math.max(...one) > Math.max(...most) ? one : most))) : "",
  };
}
