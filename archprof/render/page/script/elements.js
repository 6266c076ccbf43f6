// Elements of HTML and SVG; texts of others become text and nothing else.

function made(namespace, name, attributes, children) {
  const element = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value != null && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}
const h = (name, attributes, ...children) => made("http://www.w3.org/1999/xhtml", name, attributes, children);
const s = (name, attributes, ...children) => made("http://www.w3.org/2000/svg", name, attributes, children);
const byId = (id) => document.getElementById(id);

// A name that a stranger gave: whichever way it runs, what stands beside it does not.
const name = (text) => h("bdi", {}, printable(text));
const names = (texts) => texts.flatMap((text, index) => (index ? [", ", name(text)] : [name(text)]));

function tell(text) {
  byId("status").textContent = text;
}

// A table of a head and rows; those cells are numbers whose column says so.
function tableOf(caption, head, rows) {
  const cell = (value, index) => {
    const attributes = { class: head[index].number ? "number" : null };
    return index === 0 ? h("th", { scope: "row" }, value) : h("td", attributes, value);
  };
  return h("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": caption },
    h("table", {},
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, ...head.map((one) => h("th", { scope: "col", class: one.number ? "number" : null }, one.title)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map(cell))))));
}

// Among those that are alike one can be reached by Tab, the others from it by arrows.
function rove(container, selector) {
  container.addEventListener("keydown", (event) => {
    const all = [...container.querySelectorAll(selector)];
    const here = all.indexOf(document.activeElement);
    const to = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (here < 0 || to === undefined || !all[to]) return;
    event.preventDefault();
    all[here].tabIndex = -1;
    all[to].tabIndex = 0;
    all[to].focus();
  });
}

// Choices of which one is taken: native radio buttons.
function choices(container, legend, options, chosen, choose) {
  const group = `choice-${container.id}`;
  container.replaceChildren(h("fieldset", { class: "choices" }, h("legend", {}, legend),
    ...options.map(({ value, label }) => h("label", {},
      h("input", { type: "radio", name: group, value, checked: value === chosen, onchange: () => choose(value) }),
      h("span", {}, label)))));
}
