// What charts share: a drawing as wide as its place, axes, points with labels that do not collide.

const MARGIN = { top: 14, right: 16, bottom: 40, left: 76 };

// Draw into a figure's place, and again whenever that gets wider or narrower.
function charted(container, height, draw) {
  let drawn = 0;
  const again = () => {
    const width = container.clientWidth;
    if (width === drawn || !width) return;
    drawn = width;
    const picture = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": container.dataset.says });
    draw(picture, { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom });
    container.replaceChildren(picture);
  };
  container.watcher?.disconnect();
  container.watcher = new ResizeObserver(again);
  container.watcher.observe(container);
  again();
}

function linear(low, high, from, to) {
  const scale = (value) => from + ((value - low) / (high - low || 1)) * (to - from);
  return Object.assign(scale, { low, high });
}

function logarithmic(low, high, from, to) {
  const inner = linear(Math.log10(low), Math.log10(high), from, to);
  return Object.assign((value) => inner(Math.log10(value)), { low, high, logs: true });
}

// Round values between two ends: some five, in steps of 1, 2 or 5 times a unit.
function rounds({ low, high, logs }, unit = 10) {
  if (logs) {
    const [from, to] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
    const step = Math.ceil((to - from + 1) / 8);
    const found = Array.from({ length: Math.max(0, Math.floor((to - from) / step) + 1) }, (_, index) => 10 ** (from + index * step));
    return found.length > 1 ? found : [low, high];
  }
  const rough = (high - low) / 5 || 1, scale = unit ** Math.floor(Math.log(Math.max(high, 1)) / Math.log(unit));
  const power = 10 ** Math.floor(Math.log10(rough / scale));
  const step = scale * power * [1, 2, 5, 10].find((one) => one * power * scale >= rough * 0.999);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => (first + index) * step);
}

// Numbers of an axis, which are round: `200M`, `1.5 MiB`.
const trimmed = (text) => text.replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");
const rounded = (value) => trimmed(short(value));

function axes(picture, area, x, y) {
  const text = (value, attributes) => s("text", { class: "tick", ...attributes }, value);
  for (const value of y.ticks ?? rounds(y.scale, y.unit)) {
    const at = y.scale(value);
    picture.append(s("line", { class: "grid", x1: area.left, x2: area.right, y1: at, y2: at }),
      text(y.text(value), { x: area.left - 8, y: at + 4, "text-anchor": "end" }));
  }
  for (const value of x.ticks ?? rounds(x.scale, x.unit)) {
    const at = x.scale(value);
    picture.append(s("line", { class: "grid", x1: at, x2: at, y1: area.bottom, y2: area.bottom + 4 }),
      text(x.text(value), { x: at, y: area.bottom + 17, "text-anchor": "middle" }));
  }
  picture.append(
    s("line", { class: "axis", x1: area.left, x2: area.right, y1: area.bottom, y2: area.bottom }),
    text(x.says, { class: "says", x: area.right, y: area.bottom + 35, "text-anchor": "end" }),
    text(y.says, { class: "says", x: area.left, y: area.top - 3, "text-anchor": "start" }));
}

// Labels beside points, where there is room: what finds none is left out.
function labels(picture, area, points) {
  const taken = points.map(({ x, y }) => ({ left: x - 6, right: x + 6, top: y - 6, bottom: y + 6 }));
  const free = (box) => box.left >= area.left && box.right <= area.right && box.top >= area.top && box.bottom <= area.bottom
    && !taken.some((other) => box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom);
  for (const { x, y, label } of points) {
    const shown = printable(label).slice(0, 40), width = shown.length * 6.6 + 4;
    const boxes = [[x + 8, y - 7], [x - 8 - width, y - 7], [x - width / 2, y - 23], [x - width / 2, y + 9], [x + 8, y - 21], [x + 8, y + 7]]
      .map(([left, top]) => ({ left, top, right: left + width, bottom: top + 14 }));
    const box = boxes.find(free);
    if (!box) continue;
    taken.push(box);
    picture.append(s("text", { class: "label", x: box.left + 2, y: box.top + 11 }, shown));
  }
}
