// The document of this page, which is what commands print as JSON, and numbers as they print them.
"use strict";

const page = (() => {
  const { document: found, tables } = JSON.parse(document.getElementById("data").textContent);
  for (const { place, count, columns } of tables) {
    const last = place.pop();
    const holder = place.reduce((value, key) => value[key], found);
    holder[last] = Array.from({ length: count }, (_, index) => rowOf(columns, index));
  }
  return found;
})();

function rowOf(columns, index) {
  const row = {};
  for (const [key, [values, places]] of Object.entries(columns)) {
    const number = places ? places[index] : index;
    if (number >= 0) row[key] = values[number];
  }
  return row;
}

// Integers above 2^53 come as decimal strings.
const int = (value) => (typeof value === "string" ? BigInt(value) : value);

// Integers that fit are numbers, others are BigInt; times are fractions.
function exactly(number, big) {
  return Number.isSafeInteger(number) || !Number.isInteger(number) ? number : fitting(big());
}
const fitting = (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
function plus(one, other) {
  if (typeof one === "number" && typeof other === "number") return exactly(one + other, () => BigInt(one) + BigInt(other));
  return fitting(BigInt(one) + BigInt(other));
}
function times(one, other) {
  if (typeof one === "number" && typeof other === "number") return exactly(one * other, () => BigInt(one) * BigInt(other));
  return fitting(BigInt(one) * BigInt(other));
}
const minus = (one, other) => plus(one, times(other, -1));
const sum = (values) => values.reduce(plus, 0);

const english = new Intl.NumberFormat("en-US");
const exact = (value) => (value == null ? "" : english.format(value));
const signed = (value) => (value > 0 ? `+${exact(value)}` : exact(value).replace("-", "−"));
const plural = (count, noun) => `${exact(count)} ${noun}${count === 1 ? "" : "s"}`;

// Four significant digits at most: 216.6M.
function short(value) {
  const number = Number(value), size = Math.abs(number);
  for (const [scale, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (size < scale - scale / 20000) continue;
    const part = size / scale;
    return `${(number / scale).toFixed(part < 9.9995 ? 3 : part < 99.995 ? 2 : 1)}${letter}`;
  }
  return String(number);
}

function binary(value) {
  let size = Number(value), unit = 0;
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  while (size >= 1023.5 && unit < units.length - 1) [size, unit] = [size / 1024, unit + 1];
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0)} ${units[unit]}`;
}

const milliseconds = (value) => value.toFixed(value < 10 ? 3 : value < 100 ? 2 : 1);

const isWhole = (value) => typeof value === "bigint" || Number.isInteger(value);

// Rounded half up, as everywhere else. Of times a part may be whole, 0 ms, where all is a fraction.
function percent(part, all) {
  if (!Number(all)) return "–";
  if (Number.isInteger(part) && Number.isInteger(all) && all < 4e12) return tenths(Math.floor((part * 2000 + all) / (2 * all)));
  if (isWhole(part) && isWhole(all)) {
    const [mine, total] = [BigInt(part), BigInt(all)];
    return tenths(Number((mine * 2000n + total) / (2n * total)));
  }
  return tenths(Math.round((Number(part) / Number(all)) * 1000));
}
const tenths = (steps) => `${(steps / 10).toFixed(1)} %`;

const shape = (tensor) => (tensor ? tensor.shape.map(String).join("×") : "");
const sizes = (value) => (value == null ? "" : new Set(value).size === 1 ? String(value[0]) : value.join("×"));

// Signs that would not be seen, or would turn what stands beside them around, as their numbers.
function printable(text) {
  return String(text).replace(
    /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
