// Calls under a device's roofline: how much arithmetic for each byte, and how fast.

function drawRoofline({ latency, summary }) {
  byId("roofline").hidden = !latency;
  if (!latency) return;
  const { device, ceilings, estimates: { latency: time }, layers } = latency;
  const kinds = new Map(summary.layers.map((layer) => [layer.path, layer.kind]));
  const points = layers.filter((layer) => Number(layer.macs) && Number(layer.bytes) && layer.ms > 0).map((layer) => ({
    ...layer, kind: kinds.get(layer.path), x: Number(layer.macs) / Number(layer.bytes), y: Number(layer.macs) / (layer.ms / 1000),
  }));
  const others = layers.filter((layer) => !Number(layer.macs)).reduce((all, layer) => all + layer.ms, 0);
  const unknown = Object.entries(latency.out_of_range ?? {}).map(([name, count]) => `${printable(name)} ×${count}`);
  const likely = time.high == null ? `at least ${milliseconds(time.low)} ms: out of the profile's range is ${unknown.join(", ")}` :
    `nine of ten networks between ${milliseconds(time.low)} and ${milliseconds(time.high)} ms`;
  byId("roofline-says").textContent =
    `${printable(device.name)}, ${device.dtype}, ${device.layout.replaceAll("_", " ")}, batch ${exact(device.batch)}, ${device.runtime} ${device.execution}: ` +
    `${milliseconds(time.value)} ms predicted (${likely}). ` +
    `Calls that multiply nothing take ${milliseconds(others)} ms, ${percent(others, latency.calls_ms)} of the calls' ${milliseconds(latency.calls_ms)} ms, and are not in the picture.`;
  const chart = byId("roofline-chart");
  chart.dataset.says = `${plural(points.length, "call")} under the roofline of ${printable(device.name)}; the slowest are in the table below`;
  charted(chart, 320, (picture, area) => drawPoints(picture, area, points, ceilings));
  drawSlowest(layers, latency.calls_ms);
}

function drawPoints(picture, area, points, { bytes_per_s: bytes, macs_per_s: peak }) {
  if (!points.length) return;
  const ridge = peak / bytes, all = points.map(({ x }) => x);
  const x = logarithmic(Math.min(...all, ridge) / 2, Math.max(...all, ridge) * 2, area.left, area.right);
  const y = logarithmic(Math.min(...points.map((one) => one.y)) / 2, peak * 2, area.bottom, area.top);
  axes(picture, area,
    { scale: x, text: (value) => (value < 1 ? String(+value.toPrecision(1)) : rounded(value)), says: "MACs per byte" },
    { scale: y, text: rounded, says: "MACs per second" });
  const low = Math.max(x.low, y.low / bytes);
  picture.append(s("path", { class: "roof", d: `M${x(low)},${y(low * bytes)}L${x(ridge)},${y(peak)}H${area.right}` }));
  const longest = Math.max(...points.map((one) => one.ms));
  for (const one of points) {
    const radius = 2.5 + 6 * Math.sqrt(one.ms / longest);
    picture.append(s("circle", { class: `point kind-${one.kind}`, cx: x(one.x), cy: y(one.y), r: radius },
      s("title", {}, `${printable(one.path)}, ${printable(one.label)}: ${milliseconds(one.ms)} ms, ${one.x.toFixed(1)} MACs per byte`)));
  }
}

function drawSlowest(layers, whole) {
  const shown = [...layers].sort((one, other) => other.ms - one.ms).slice(0, 10);
  byId("roofline-table").replaceChildren(tableOf("The slowest calls",
    [{ title: "path" }, { title: "operator" }, { title: "ms", number: true }, { title: "share", number: true }, { title: "roofline ms", number: true }, { title: "bound by" }, { title: "from" }],
    shown.map((one) => [name(one.path), printable(one.label), milliseconds(one.ms), percent(one.ms, whole), milliseconds(one.roofline_ms), one.bound, one.basis])));
}
