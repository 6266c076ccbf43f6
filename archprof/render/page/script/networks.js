// Several networks side by side: totals, where each spends by stage, size against accuracy, and what changed.

function drawComparison() {
  byId("comparison").hidden = !page.compare;
  if (!page.compare) return;
  drawTotals(page.compare.models);
  choices(byId("stage-metric"), "Stages by", [["macs", "MACs"], ["params", "params"], ["activations", "activations"]]
    .map(([value, label]) => ({ value, label })), "macs", drawStages);
  drawStages("macs");
  drawScatter(page.compare.models);
  drawDiffs();
}

function drawTotals(models) {
  const timed = page.networks[0].latency;
  const first = models.find((model) => model.model === page.compare.relative_to) ?? models[0];
  const head = ["network", "params", "MACs", "activations", "layers", "top-1", "peak bytes", ...(timed ? ["ms"] : []), "MACs ×"];
  byId("totals-table").replaceChildren(tableOf(`Totals; MACs × relates to ${printable(first.title || first.model)}`,
    head.map((title, index) => ({ title, number: index > 0 })),
    models.map((model, index) => {
      const { memory, latency } = page.networks[index];
      return [
        name(model.title || model.model), ...["params", "macs", "activations"].map((key) => exact(int(model.totals[key]))),
        exact(model.weighted_layers), model.accuracy ? `${printable(model.accuracy.top1)} %` : "", exact(int(memory.peak_bytes)),
        ...(timed ? [latency ? milliseconds(latency.estimates.latency.value) : ""] : []), model.ratios.macs == null ? "" : model.ratios.macs.toFixed(3)];
    })));
}

function drawStages(metric) {
  const { models } = page.compare;
  const stages = [...new Set(models.flatMap((model) => Object.keys(model.stages)))]
    .sort((one, other) => (one === "head") - (other === "head") || Number(one) - Number(other));
  const most = Math.max(...models.map((model) => Number(model.totals[metric])), 1);
  const label = (stage) => (stage === "head" ? "head" : `stride ${stage}`);
  byId("stages").replaceChildren(...models.map((model) => h("div", { class: "stages-row" },
    h("div", { class: "stages-name" }, name(model.title || model.model), ` ${short(int(model.totals[metric]))}`),
    h("div", { class: "stages-bar", "aria-hidden": "true" }, ...stages.filter((stage) => Number(model.stages[stage]?.[metric])).map((stage) => {
      const value = int(model.stages[stage][metric]), room = (Number(value) / most) * byId("stages").clientWidth;
      const shown = [label(stage), stage].find((text) => text.length * 7 + 6 < room);
      const part = h("span", { class: `stage stage-${stages.indexOf(stage) % 7}`, title: `${label(stage)}: ${exact(value)}, ${percent(value, int(model.totals[metric]))}` }, shown);
      part.style.width = `${(Number(value) / most) * 100}%`;
      return part;
    })))));
  byId("stages-table").replaceChildren(tableOf(`By stage: ${metric === "macs" ? "MACs" : metric}`,
    [{ title: "network" }, ...stages.map((stage) => ({ title: label(stage), number: true }))],
    models.map((model) => [name(model.title || model.model), ...stages.map((stage) => exact(int(model.stages[stage]?.[metric] ?? 0)))])));
}

// Accuracy against cost, higher is better; where it was published of fewer than two, params, lower is better.
function drawScatter(models) {
  const rated = models.filter((model) => model.accuracy), accuracy = rated.length > 1;
  const points = (accuracy ? rated : models).map((model) => ({
    label: model.title || model.model, cost: Number(model.totals.macs), height: accuracy ? Number(model.accuracy.top1) : Number(model.totals.params),
  }));
  const better = (one, other) => (accuracy ? one.height >= other.height : one.height <= other.height);
  const front = points.filter((one) => !points.some((other) => other.cost <= one.cost && better(other, one) && (other.cost < one.cost || other.height !== one.height)))
    .sort((one, other) => one.cost - other.cost);
  const chart = byId("scatter");
  const what = accuracy ? "published top-1 accuracy, %" : "params";
  const missing = accuracy ? models.filter((model) => !model.accuracy).map((model) => model.title || model.model) : [];
  byId("scatter-says").replaceChildren("On the frontier: ", ...names(front.map((one) => one.label)), ".",
    ...(missing.length ? [" No accuracy was published for ", ...names(missing), "."] : []));
  chart.dataset.says = `${what} against MACs of ${plural(points.length, "network")}; totals are in the table above`;
  charted(chart, 320, (picture, area) => {
    const [costs, heights] = [points.map((one) => one.cost), points.map((one) => one.height)];
    const wide = (Math.max(...costs) - Math.min(...costs)) * 0.15 || Math.max(...costs) * 0.5 || 1;
    const tall = (Math.max(...heights) - Math.min(...heights)) * 0.15 || Math.max(...heights) * 0.1 || 1;
    const x = linear(Math.max(0, Math.min(...costs) - wide), Math.max(...costs) + wide, area.left, area.right);
    const y = linear(Math.max(0, Math.min(...heights) - tall), Math.max(...heights) + tall, area.bottom, area.top);
    axes(picture, area, { scale: x, text: rounded, says: "MACs" }, { scale: y, text: accuracy ? (value) => value.toFixed(1) : rounded, says: what });
    picture.append(s("path", { class: "frontier", d: front.map((one, index) => `${index ? "L" : "M"}${x(one.cost)},${y(one.height)}`).join("") }));
    const placed = points.map((one) => ({ label: one.label, x: x(one.cost), y: y(one.height), front: front.includes(one) }));
    for (const one of placed) picture.append(s("circle", { class: one.front ? "peak" : "behind", cx: one.x, cy: one.y, r: 5 }));
    labels(picture, area, placed);
  });
}

function drawDiffs() {
  const { diffs = [] } = page;
  byId("changes").hidden = !diffs.length;
  if (!diffs.length) return;
  const pick = byId("which-diff");
  pick.replaceChildren(...diffs.map((one, index) => h("option", { value: index }, `${printable(one.before)} → ${printable(one.after)}`)));
  pick.onchange = () => drawDiff(diffs[pick.value]);
  byId("pick-diff").hidden = diffs.length < 2;
  drawDiff(diffs[0]);
}

function drawDiff(found) {
  const rows = found.blocks.map((one) => [
    h("span", { class: `change ${one.status}` }, one.status), name(one.before ?? ""), name(one.after ?? ""), printable(one.block_type),
    h("span", { class: "fields" }, one.changes.slice(0, 3).map(changeText).join("; ") + (one.changes.length > 3 ? "; …" : "")),
    signed(int(one.delta.params)), signed(int(one.delta.macs))]);
  const totals = found.totals.delta;
  byId("diff").replaceChildren(tableOf(
    `${printable(found.before)} → ${printable(found.after)}: ${plural(found.blocks.length, "change")}, ${signed(int(totals.params))} params, ${signed(int(totals.macs))} MACs`,
    [{ title: "change" }, { title: "before" }, { title: "after" }, { title: "block" }, { title: "what" }, { title: "params", number: true }, { title: "MACs", number: true }], rows));
}

function changeText(change) {
  const fields = Object.entries(change.fields).map(([key, [before, after]]) => `${key} ${before} → ${after}`);
  return printable(`${change.label}: ${change.status}${fields.length ? ` (${fields.slice(0, 3).join(", ")})` : ""}`);
}
