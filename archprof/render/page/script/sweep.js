// The variants of a sweep: where they lie, binned where there are many, and the best of them.

function drawSweep({ sweep }) {
  byId("sweep").hidden = !sweep;
  if (!sweep) return;
  const axes = Object.entries(sweep.axes).map(([key, count]) => `${key} (${plural(count, "value")})`).join(", ");
  byId("sweep-says").textContent = printable(`${plural(sweep.variants, "variant")} of ${sweep.models.join(", ")}, along ${axes || "no axis"}.`);
  const show = (against) => drawVariants(sweep.pictures.find((one) => one.against === against));
  choices(byId("sweep-against"), "MACs against", sweep.pictures.map(({ against }) => ({ value: against, label: costName(against) })), sweep.pictures[0]?.against, show);
  if (sweep.pictures.length) show(sweep.pictures[0].against);
}

const costName = (key) => (key === "estimates_latency_value" ? "latency, ms" : key === "macs" ? "MACs" : key);
const costText = (key, value) => (key === "estimates_latency_value" ? milliseconds(value) : exact(int(value)));

function drawVariants(picture) {
  const { against, binned, best, marks } = picture, most = binned ? Math.max(...marks.map(([, , count]) => count)) : 1;
  byId("sweep-note").textContent = binned
    ? `There are too many for points: they are counted in ${picture.cells.join(" × ")} cells, the darker the more, ${exact(most)} at most. Blue is what none beats in both: ${plural(best.length, "variant")}.`
    : `A point a variant. Blue is what none beats in both: ${plural(best.length, "variant")}.`;
  byId("sweep-legend").replaceChildren(...(binned ? [] : page.sweep.models.map((model, index) =>
    h("li", {}, h("span", { class: `chip series-${index % 5}` }), name(model)))));
  const chart = byId("sweep-chart");
  chart.dataset.says = `${costName(against)} against MACs of all variants; those that none beats in both are in the table below`;
  chart.replaceChildren();
  charted(chart, 360, (drawing, area) => drawMarks(drawing, area, picture, most));
  const costs = Object.keys(best[0].costs), settings = [...new Set(best.flatMap((one) => Object.keys(one.settings)))];
  byId("sweep-table").replaceChildren(tableOf(`Variants that none beats in both MACs and ${costName(against)}`,
    [{ title: "network" }, ...settings.map((title) => ({ title: printable(title), number: true })), ...costs.map((key) => ({ title: costName(key), number: true }))],
    best.map((one) => [name(one.model), ...settings.map((key) => printable(one.settings[key] ?? "")), ...costs.map((key) => costText(key, one.costs[key]))])));
}

function drawMarks(drawing, area, { against, ends, binned, cells, marks, best }, most) {
  const [[left, right], [low, high]] = ends;
  const x = linear(left, right, area.left, area.right), y = linear(low, high, area.bottom, area.top);
  const text = against === "estimates_latency_value" ? (value) => String(+value.toPrecision(3)) : rounded;
  axes(drawing, area, { scale: x, text: rounded, says: "MACs" }, { scale: y, text, says: costName(against) });
  const [width, height] = [(area.right - area.left) / cells[0], (area.bottom - area.top) / cells[1]];
  for (const [column, row, count] of binned ? marks : []) {
    drawing.append(s("rect", { class: "cell", x: area.left + column * width, y: area.bottom - (row + 1) * height, width: width + 0.3, height: height + 0.3, "fill-opacity": 0.15 + 0.85 * (Math.log1p(count) / Math.log1p(most)) }));
  }
  for (const [cost, value, model] of binned ? [] : marks) drawing.append(s("circle", { class: `series-${model % 5}`, cx: x(cost), cy: y(value), r: 3 }));
  drawing.append(s("path", { class: "frontier", d: best.map(({ costs }, index) => `${index ? "L" : "M"}${x(Number(costs.macs))},${y(Number(costs[against]))}`).join("") }));
  for (const { costs } of best) drawing.append(s("circle", { class: "peak", cx: x(Number(costs.macs)), cy: y(Number(costs[against])), r: 3 }));
}
