// Memory over time: what has come and not gone, call by call.

function drawMemory({ memory }) {
  const { timeline, peak_at: peak, setup, resident } = memory;
  const bytes = timeline.map((moment) => Number(moment.bytes));
  const where = printable(peak.path || peak.phase);
  const unknown = Object.entries(memory.unknown ?? {}).map(([key, count]) => `${key} ×${count}`);
  const peakBytes = `${exact(int(memory.peak_bytes))} bytes (${binary(memory.peak_bytes)})`;
  byId("memory-says").replaceChildren(
    `${unknown.length ? "At least" : "At most"} ${peakBytes} come and go at once, at `, name(peak.path || peak.phase), ` (${printable(peak.label || peak.phase)}, step ${exact(peak.step)} of ${exact(timeline.length)}); ` +
    `with ${binary(sum(Object.values(resident).map(int)))} that are there all along, ${exact(int(memory.total_bytes))} bytes (${binary(memory.total_bytes)}). ` +
    `${[setup.train ? `Training with ${setup.train}` : "Inference", setup.dtype, `batch ${exact(setup.batch)}`, setup.amp && `autocast to ${setup.amp}`].filter(Boolean).join(", ")}. ` +
    `${unknown.length ? `No rule for the memory of ${printable(unknown.join(", "))}. ` : ""}Not included: ${memory.not_included.join(", ")}.`);
  const chart = byId("memory-chart");
  chart.dataset.says = `Bytes over ${plural(timeline.length, "step")}: ${unknown.length ? "at least" : "at most"} ${peakBytes} at ${where}`;
  charted(chart, 260, (picture, area) => drawTimeline(picture, area, memory, bytes));
  followSlider(memory, bytes);
  drawAlive(memory);
}

function drawTimeline(picture, area, { timeline, peak_at: peak }, bytes) {
  const x = linear(0, timeline.length, area.left, area.right);
  const y = linear(0, Math.max(...bytes, 1) * 1.08, area.bottom, area.top);
  axes(picture, area, { scale: x, text: exact, says: "step" }, { scale: y, text: (value) => trimmed(binary(value)), unit: 1024, says: "" });
  const steps = bytes.map((value, index) => `V${y(value).toFixed(1)}H${x(index + 1).toFixed(1)}`).join("");
  picture.append(s("path", { class: "area", d: `M${area.left},${area.bottom}${steps}V${area.bottom}Z` }));
  for (const index of phaseStarts(timeline)) {
    picture.append(s("line", { class: "axis", x1: x(index), x2: x(index), y1: area.top, y2: area.bottom }),
      s("text", { class: "tick", ...(x(index) < area.right - 60 ? { x: x(index) + 4 } : { x: x(index) - 4, "text-anchor": "end" }), y: area.top + 10 }, timeline[index].phase));
  }
  const at = x(peak.step - 0.5), top = y(bytes[peak.step - 1] ?? 0);
  const left = at > (area.left + area.right) / 2;
  picture.append(s("circle", { class: "peak", cx: at, cy: top, r: 4 }),
    s("text", { class: "label", x: left ? at - 8 : at + 8, y: top + 4, "text-anchor": left ? "end" : "start" }, `peak: ${printable(peak.path || peak.phase).slice(0, 40)}`),
    s("line", { class: "cursor", id: "memory-cursor", y1: area.top, y2: area.bottom }));
  picture.at = (step) => x(step - 0.5);
  moveCursor(picture);
}

const phaseStarts = (timeline) => timeline.map((_, index) => index)
  .filter((index) => timeline[index].phase && index > 0 && timeline[index].phase !== timeline[index - 1].phase);

function moveCursor(picture) {
  const at = picture.at(Number(byId("memory-step").value));
  const cursor = picture.querySelector("#memory-cursor");
  cursor.setAttribute("x1", at);
  cursor.setAttribute("x2", at);
}

function followSlider({ timeline, peak_at: peak }, bytes) {
  const slider = byId("memory-step");
  const follow = () => {
    const { path, phase, bytes_after: after } = timeline[slider.value - 1];
    const said = `step ${exact(Number(slider.value))}: ${printable(path || phase)}, ${binary(bytes[slider.value - 1])} while it runs, ${binary(after)} behind it`;
    byId("memory-at").textContent = said;
    slider.setAttribute("aria-valuetext", said);
    const picture = byId("memory-chart").querySelector("svg");
    if (picture) moveCursor(picture);
  };
  Object.assign(slider, { min: 1, max: timeline.length, value: peak.step, oninput: follow });
  if (timeline.length) follow();
}

function drawAlive({ alive }) {
  const shown = [...alive].sort((one, other) => Number(other.bytes) - Number(one.bytes)).slice(0, 20);
  byId("memory-alive").replaceChildren(tableOf(
    `There at the peak${alive.length > shown.length ? `: the largest ${shown.length} of ${exact(alive.length)}` : ""}`,
    [{ title: "path" }, { title: "operator" }, { title: "role" }, { title: "bytes", number: true }],
    shown.map((one) => [name(one.path), printable(one.label), printable(one.role), exact(int(one.bytes))])));
}
