#include <mica/io/inspect_page.h>

namespace mica::io {

const std::string_view inspect_head = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
)html";

const std::string_view inspect_body = R"html(<body>
<main>
<h1 id="title"></h1>
<dl class="tiles" id="tiles"></dl>
<form class="tools" role="search" onsubmit="return false">
<input type="search" id="search" placeholder="Search paths and types" aria-label="Search paths and types" autocomplete="off" spellcheck="false">
<select id="filter" aria-label="Show only">
<option value="">Everything</option>
<option value="parameter">Parameters</option>
<option value="buffer">Buffers</option>
<option value="frozen">Frozen</option>
<option value="tied">Tied</option>
<option value="bad">Not finite</option>
<option value="grad">With a gradient</option>
<option value="nograd">Trainable, without a gradient</option>
</select>
<output id="found" for="search filter"></output>
</form>
<noscript><p>This page shows its model with JavaScript, which is turned off.</p></noscript>
<div class="card"><ul class="tree" id="tree" role="tree" aria-labelledby="title"></ul></div>
<p class="help"><kbd>/</kbd> search, <kbd>Esc</kbd> clear it; in the tree <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>→</kbd> open, <kbd>←</kbd> close,
<kbd>Enter</kbd> either. Statistics are those of the finite elements.</p>
</main>
)html";

// Nodes are shown as far as they are opened, and long lists a part at a time.
const std::string_view inspect_script = R"js(
"use strict";
const nodes = JSON.parse(document.getElementById("nodes").textContent);
const tree = document.getElementById("tree"), search = document.getElementById("search");
const filter = document.getElementById("filter"), found = document.getElementById("found");
const part = 200;

// ---- the model ----
const isModule = node => node.dtype === undefined;
for (const node of nodes) {
  const outer = node.in === undefined ? undefined : nodes[node.in];
  node.path = outer && outer.path ? outer.path + "." + node.name : node.name;
  node.inside = [];
  node.parameters = node.trainableCount = node.bad = 0;
  outer?.inside.push(node);
  if (isModule(node)) continue;
  node.count = node.shape.reduce((a, b) => a * b, 1);
  if (node.tied !== undefined) {
    const first = nodes[node.tied];
    node.values = first.values;
    node.grad = first.grad;
  }
  node.bad = node.values.bad + (node.grad ? node.grad.bad : 0);
}
// What is inside counts for all around it, once if it is tied.
for (const node of [...nodes].reverse()) {
  if (!isModule(node) && node.tied === undefined && node.kind === "parameter") {
    node.parameters = node.count;
    node.trainableCount = node.trainable ? node.count : 0;
  }
  if (node.in === undefined || node.tied !== undefined) continue;
  const outer = nodes[node.in];
  outer.parameters += node.parameters;
  outer.trainableCount += node.trainableCount;
  outer.bad += node.bad;
}
for (const node of nodes) node.text = (node.path + " " + (node.type ?? node.kind + " " + node.dtype)).toLowerCase();

// ---- words and figures ----
const grouped = n => n.toLocaleString("en-US");
const figure = x => {
  if (x === null) return "–";
  const size = Math.abs(x);
  if (x === 0 || Number.isInteger(x) && size < 1e6) return grouped(x);
  return size >= 1e-3 && size < 1e5 ? String(Number(x.toPrecision(4))) : x.toExponential(2);
};
const bytes = n => {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  while (n >= 999.5 && i + 1 < units.length) { n /= 1000; ++i; }
  return (i === 0 ? n : n.toPrecision(3)) + " " + units[i];
};
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};
const svgElement = (tag, attributes) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};
function histogram(values, className) {
  const most = Math.max(...values.bins, 1);
  const svg = svgElement("svg", { class: className, viewBox: `0 0 ${Math.max(values.bins.length, 1)} 1`, preserveAspectRatio: "none", "aria-hidden": "true" });
  // A bin that holds anything is visible.
  const bars = values.bins.map((n, i) => n === 0 ? "" : `M${i} 1V${1 - Math.max(n / most, 0.02)}h.88V1z`);
  svg.append(svgElement("path", { d: bars.join("") }));
  return svg;
}

// ---- rows ----
function facts(pairs) {
  const list = element("dl", "facts");
  for (const [name, value, warn] of pairs) {
    const pair = list.appendChild(element("div", warn ? "warn" : ""));
    pair.append(element("dt", "", name), element("dd", "", value));
  }
  return list;
}
function statistics(caption, values, className, more) {
  const box = element("figure", className);
  box.append(element("figcaption", "", caption), histogram(values, "big"));
  const axis = box.appendChild(element("div", "axis"));
  axis.append(element("span", "", figure(values.min)), element("span", "", figure(values.max)));
  box.append(facts([["mean", figure(values.mean)], ["std", figure(values.std)], ["min", figure(values.min)], ["max", figure(values.max)],
    ["zeros", grouped(values.zeros)], ["not finite", grouped(values.bad), values.bad > 0], ...more]));
  return box;
}
function detail(node) {
  const box = element("div", "detail");
  box.append(statistics("Values", node.values, "", [["elements", grouped(node.count)], ["memory", bytes(node.bytes)]]));
  if (node.grad) box.append(statistics("Gradient", node.grad, "grad", []));
  const remarks = [];
  if (node.tied !== undefined) remarks.push(`The same parameter as ${nodes[node.tied].path}, which is counted there.`);
  if (node.kind === "parameter" && !node.trainable) remarks.push("Frozen: it requires no gradient.");
  else if (node.kind === "parameter" && !node.grad) remarks.push("No gradient yet.");
  if (remarks.length) box.append(element("p", "", remarks.join(" ")));
  return box;
}
function badges(node) {
  const out = [];
  if (node.training === false) out.push(["eval"]);
  if (node.kind && node.kind !== "parameter") out.push([node.kind]);
  if (node.kind === "parameter" && !node.trainable) out.push(["frozen"]);
  if (isModule(node) && node.parameters > 0 && node.trainableCount === 0) out.push(["frozen"]);
  if (node.tied !== undefined) out.push(["tied to " + nodes[node.tied].path]);
  if (node.bad > 0) out.push([grouped(node.bad) + " not finite", true]);
  return out.map(([text, warn]) => element("span", warn ? "badge warn" : "badge", text));
}
function row(node, label) {
  const line = element("div", "row"), what = element("span", "what");
  what.append(element("span", "name", label));
  if (isModule(node)) {
    if (label) what.append(" ");
    what.append(element("span", "type", node.type));
    if (node.about) what.append(" ", element("span", "about", node.about));
  } else {
    what.append(" ", element("span", "shape", "[" + node.shape.join(", ") + "]"), " ", element("span", "about", node.dtype));
  }
  for (const badge of badges(node)) what.append(" ", badge);
  line.append(what);
  if (isModule(node)) {
    if (node.parameters > 0) line.append(element("span", "count", grouped(node.parameters)));
  } else {
    line.append(element("span", "spread", figure(node.values.mean) + " ± " + figure(node.values.std)), histogram(node.values, "spark"));
  }
  return line;
}
function item(node, level, label = node.name) {
  const li = element("li");
  li.node = node;
  li.tabIndex = -1;
  li.setAttribute("role", "treeitem");
  li.setAttribute("aria-level", level);
  li.setAttribute("aria-label", [label, node.type ?? `${node.kind} ${node.dtype} ${node.shape.join(" by ")}`].join(" "));
  li.dataset.path = node.path;
  if (!isModule(node) || node.inside.length > 0) li.setAttribute("aria-expanded", "false");
  li.append(row(node, label));
  return li;
}
// Adds the next items of a list, and a row that adds those after them.
function fill(list, items, level, labelOf, from = 0) {
  const to = Math.min(from + part, items.length);
  list.append(...items.slice(from, to).map(node => item(node, level, labelOf(node))));
  if (to === items.length) return;
  const more = list.appendChild(element("li", "more"));
  more.tabIndex = -1;
  more.setAttribute("role", "treeitem");
  more.setAttribute("aria-level", level);
  const next = Math.min(part, items.length - to);
  more.append(element("div", "row"));
  more.firstChild.append(element("span", "what", `Show ${grouped(next)} more of ${grouped(items.length - to)}`));
  more.activate = () => {
    const had = more === document.activeElement;
    more.remove();
    fill(list, items, level, labelOf, to);
    if (had) focus(list.children[to]);
  };
}
function open(li, on) {
  if (!li.hasAttribute("aria-expanded")) return;
  li.setAttribute("aria-expanded", on);
  if (li.children.length > 1) { li.children[1].hidden = !on; return; }
  if (!on) return;
  if (!isModule(li.node)) { li.append(detail(li.node)); return; }
  const list = element("ul");
  list.setAttribute("role", "group");
  fill(list, li.node.inside, Number(li.getAttribute("aria-level")) + 1, node => node.name);
  li.append(list);
}
const isOpen = li => li.getAttribute("aria-expanded") === "true";
const activate = li => li.activate ? li.activate() : open(li, !isOpen(li));

// ---- keyboard and pointer ----
const visible = () => [...tree.querySelectorAll("li")].filter(li => li.offsetParent !== null);
function focus(li) {
  if (!li) return;
  const before = tree.querySelector('li[tabindex="0"]');
  if (before) before.tabIndex = -1;
  li.tabIndex = 0;
  li.focus();
}
tree.addEventListener("click", event => {
  const line = event.target.closest(".row");
  if (!line) return;
  focus(line.parentElement);
  activate(line.parentElement);
});
tree.addEventListener("keydown", event => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const li = event.target.closest("li");
  const step = by => { const all = visible(); focus(all[all.indexOf(li) + by]); };
  const actions = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    ArrowRight: () => isOpen(li) ? focus(li.querySelector("li")) : open(li, true),
    ArrowLeft: () => isOpen(li) ? open(li, false) : focus(li.parentElement.closest("li")),
    Home: () => focus(visible()[0]),
    End: () => focus(visible().at(-1)),
    Enter: () => activate(li),
    " ": () => activate(li),
  };
  if (!li || !(event.key in actions)) return;
  event.preventDefault();
  actions[event.key]();
});
document.addEventListener("keydown", event => {
  const typing = event.target === search || event.target === filter;
  if (event.key === "/" && !typing) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape" && (search.value || filter.value)) {
    search.value = filter.value = "";
    show();
  } else if (event.key === "ArrowDown" && event.target === search) {
    event.preventDefault();
    focus(visible()[0]);
  }
});

// ---- what is shown ----
const tests = {
  "": () => true,
  parameter: node => node.kind === "parameter",
  buffer: node => !isModule(node) && node.kind !== "parameter",
  frozen: node => node.kind === "parameter" && !node.trainable,
  tied: node => node.tied !== undefined,
  bad: node => !isModule(node) && node.bad > 0,
  grad: node => node.grad !== undefined,
  nograd: node => node.kind === "parameter" && node.trainable && !node.grad,
};
function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(word => word);
  tree.replaceChildren();
  if (words.length === 0 && filter.value === "") {
    found.textContent = "";
    fill(tree, [nodes[0]], 1, node => node.name);
    open(tree.firstChild, true);
  } else {
    const hits = nodes.filter(node => tests[filter.value](node) && words.every(word => node.text.includes(word)));
    found.textContent = hits.length === 1 ? "1 match" : grouped(hits.length) + " matches";
    if (hits.length) fill(tree, hits, 1, node => node.path);
    else tree.append(element("li", "none", "Nothing matches."));
  }
  tree.firstChild.tabIndex = 0;
}
search.addEventListener("input", show);
filter.addEventListener("change", show);

const members = nodes.filter(node => !isModule(node)), own = members.filter(node => node.tied === undefined);
const total = kind => own.filter(node => (node.kind === "parameter") === (kind === "parameter")).reduce((sum, node) => sum + node.bytes, 0);
document.getElementById("title").textContent = nodes[0].type;
const tiles = document.getElementById("tiles");
function tile(name, value, remark, warn) {
  const box = tiles.appendChild(element("div", warn ? "warn" : ""));
  box.append(element("dt", "", name), element("dd", "", value));
  if (remark) box.lastChild.append(element("small", "", remark));
}
const parameterCount = own.filter(node => node.kind === "parameter").length;
tile("Parameters", grouped(nodes[0].parameters), `in ${grouped(parameterCount)} tensors, ${bytes(total("parameter"))}`);
tile("Trainable", grouped(nodes[0].trainableCount), nodes[0].parameters ? (100 * nodes[0].trainableCount / nodes[0].parameters).toFixed(1) + " %" : "");
tile("Buffers", grouped(own.length - parameterCount), bytes(total("buffer")));
tile("Modules", grouped(nodes.length - members.length));
tile("With a gradient", grouped(own.filter(node => node.grad).length), `of ${grouped(parameterCount)} parameters`);
tile("Not finite", grouped(nodes[0].bad), "values and gradients", nodes[0].bad > 0);
show();
document.documentElement.dataset.ready = nodes.length;
)js";

}  // namespace mica::io
