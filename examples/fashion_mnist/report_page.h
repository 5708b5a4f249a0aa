// The style and the script of the report page.
#pragma once

#include <string_view>

namespace demo {

inline constexpr std::string_view page_style = R"css(
:root {
  color-scheme: light dark;
  --page: #f6f6f3; --card: #ffffff; --ink: #1d2226; --soft: #5c666e; --rule: #e2e3df;
  --train: #c0682c; --test: #2b6cb0; --hit: #2b6cb0; --miss: #d9772f; --bar: #b9cde3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1c2024; --ink: #e6e8e9; --soft: #9ca6ad; --rule: #30363b;
    --train: #e39a62; --test: #79b2ec; --hit: #4a8fd6; --miss: #d97a35; --bar: #34506d;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1160px; margin: 0 auto; padding: 40px 24px 56px; }
h1 { font-size: 28px; line-height: 1.2; letter-spacing: -0.01em; margin: 0 0 6px; }
h2 { font-size: 18px; line-height: 1.3; margin: 0 0 4px; }
p { margin: 0; }
.lead { color: var(--soft); font-size: 17px; max-width: 68ch; }
.note { color: var(--soft); font-size: 13.5px; max-width: 76ch; margin-bottom: 14px; }
.none { color: var(--soft); font-style: italic; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 20px 22px; margin-top: 20px; }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 24px 0 0; }
.tiles div { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 12px 16px; }
.tiles dt { color: var(--soft); font-size: 13px; }
.tiles dd { margin: 0; font-size: 25px; line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; }
.tiles small { display: block; font-size: 13px; font-weight: 400; color: var(--soft); letter-spacing: 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 10px 24px; margin: 8px 0 0; }
.facts dt { color: var(--soft); font-size: 13px; }
.facts dd { margin: 0; overflow-wrap: anywhere; }

.charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 20px 32px; margin-top: 10px; }
figure { margin: 0; position: relative; }
figcaption { display: flex; flex-wrap: wrap; gap: 2px 18px; align-items: baseline; margin-bottom: 4px; }
figcaption b { font-weight: 600; }
.key { color: var(--soft); font-size: 13px; white-space: nowrap; }
.key::before { content: ""; display: inline-block; width: 16px; height: 3px; border-radius: 2px; margin-right: 6px; vertical-align: middle; background: currentColor; }
.remark { color: var(--miss); font-size: 13px; }
.key.rate::before { background: var(--soft); }
.key.train::before, .key.raw::before { background: var(--train); }
.key.raw::before { opacity: 0.4; }
.key.test::before { background: var(--test); }
svg { display: block; width: 100%; height: auto; overflow: visible; border-radius: 4px; }
svg text { font: 13px system-ui, sans-serif; font-variant-numeric: tabular-nums; fill: var(--soft); }
.grid { stroke: var(--rule); }
.axis, .cursor line { stroke: var(--soft); }
.line { fill: none; vector-effect: non-scaling-stroke; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
.line.train { stroke: var(--train); }
.line.test { stroke: var(--test); }
.line.rate { stroke: var(--soft); }
.line.raw { stroke: var(--train); stroke-width: 1; opacity: 0.4; }
.dot { stroke: var(--card); stroke-width: 1.5; }
.dot.train, .dot.raw { fill: var(--train); }
.dot.rate { fill: var(--soft); }
.dot.test { fill: var(--test); }
.cursor line { stroke-dasharray: 3 3; }
.tip {
  position: absolute; top: 30px; pointer-events: none; padding: 6px 10px; border-radius: 8px; font-size: 13px; white-space: nowrap;
  background: var(--card); border: 1px solid var(--rule); box-shadow: 0 4px 14px rgb(0 0 0 / 0.14); font-variant-numeric: tabular-nums;
}
.tip[hidden] { display: none; }
.tip b { display: block; }

.scroll { overflow-x: auto; margin: 0 -22px; padding: 0 22px 2px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { font-weight: 500; text-align: left; }
thead th { color: var(--soft); font-size: 13px; }
.list { width: 100%; }
.list th, .list td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
.list th:first-child, .list .text { text-align: left; }
.list tr > :last-child { padding-right: 0; }
.list tbody tr:last-child > * { border-bottom: 0; }
.share { display: inline-block; width: 72px; height: 7px; margin-left: 9px; border-radius: 4px; vertical-align: 1px; background: linear-gradient(to right, var(--test) var(--p), var(--rule) var(--p)); }

.matrix { width: 100%; border-collapse: separate; border-spacing: 2px; }
.matrix td { min-width: 54px; padding: 5px 4px; text-align: center; line-height: 1.2; border-radius: 5px; background: color-mix(in srgb, var(--miss) calc(var(--p) * 100%), var(--page)); }
.matrix td.hit { background: color-mix(in srgb, var(--hit) calc(var(--p) * 55%), var(--page)); font-weight: 600; }
.matrix td.zero { color: var(--soft); }
.matrix small { display: block; font-size: 11px; font-weight: 400; opacity: 0.8; }
.matrix tbody th { position: sticky; left: 0; z-index: 1; max-width: 12em; padding: 0 12px 0 22px; background: var(--card); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.matrix thead th { max-width: 80px; padding: 0 3px 4px; text-align: center; vertical-align: bottom; font-size: 12.5px; line-height: 1.25; overflow-wrap: break-word; hyphens: auto; }
.matrix thead th:first-child { text-align: left; padding-left: 22px; }
.matrix-wrap { padding-left: 0; }

.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(122px, 1fr)); gap: 18px 14px; list-style: none; margin: 0; padding: 0; }
.mistakes img { display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: contain; image-rendering: pixelated; background: #000; border-radius: 8px; }
.mistakes span { display: block; font-size: 13px; line-height: 1.35; overflow-wrap: anywhere; }
.mistakes .said { margin-top: 6px; font-weight: 600; }
.mistakes .truth { color: var(--soft); }

.tree, .tree ul { list-style: none; margin: 0; padding: 0; }
.tree ul { margin-left: 9px; padding-left: 14px; border-left: 1px solid var(--rule); }
.row { display: flex; align-items: baseline; gap: 4px 12px; padding: 4px 0; }
summary.row { cursor: pointer; list-style: none; border-radius: 4px; }
summary.row::-webkit-details-marker { display: none; }
.row::before { content: ""; flex: none; width: 8px; }
summary.row::before { content: "\25B8"; color: var(--soft); }
details[open] > summary.row::before { content: "\25BE"; }
.row .what { flex: 1; min-width: 0; overflow-wrap: anywhere; }
.row .type { color: var(--test); }
.row .detail { color: var(--soft); font-size: 13.5px; }
.row .share { flex: none; align-self: center; width: 110px; margin: 0; }
.row .count { flex: none; width: 84px; text-align: right; font-variant-numeric: tabular-nums; }
.row .part { flex: none; width: 52px; text-align: right; color: var(--soft); font-size: 13.5px; font-variant-numeric: tabular-nums; }
.fold { margin-top: 14px; }
.fold > summary { cursor: pointer; color: var(--soft); font-size: 14px; }
pre { overflow-x: auto; margin: 10px 0 0; padding: 12px 14px; border-radius: 8px; background: var(--page); font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
:focus-visible { outline: 2px solid var(--test); outline-offset: 3px; }

@media (max-width: 760px) {
  main { padding: 26px 14px 36px; }
  section { padding: 16px; }
  h1 { font-size: 24px; }
  .charts { grid-template-columns: minmax(0, 1fr); }
  svg text { font-size: 20px; }
  .scroll { margin: 0 -16px; padding: 0 16px 2px; }
  .matrix-wrap { padding-left: 0; }
  .matrix tbody th { max-width: 124px; padding-left: 16px; }
  .matrix thead th:first-child { padding-left: 16px; }
  .facts { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .tiles div:last-child:nth-child(odd) { grid-column: 1 / -1; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .mistakes { grid-template-columns: repeat(auto-fill, minmax(96px, 1fr)); }
  .row .share { display: none; }
  .row .count { width: auto; }
  .row .part { width: 46px; }
}
)css";

// Shows the values under the pointer, or under the arrow keys. Without it the page lacks nothing else: the
// curves are drawn already, and all figures are in its tables.
inline constexpr std::string_view page_script = R"js(
"use strict";
const charts = JSON.parse(document.getElementById("chart-data").textContent);
const svgElement = (name, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

function addTooltip(chart) {
  const figure = document.getElementById(chart.id);
  const svg = figure.querySelector("svg");
  if (!svg || !chart.range || chart.series.length === 0) return;
  const [left, top, right, bottom] = chart.plot;
  const [xLow, xHigh, yLow, yHigh] = chart.range;
  const xAt = x => left + (x - xLow) / (xHigh - xLow) * (right - left);
  const yAt = y => bottom - (y - yLow) / (yHigh - yLow) * (bottom - top);
  const written = y => y === null ? "not finite" : chart.percent ? (100 * y).toFixed(2) + "%" : Number(y.toPrecision(4)).toString();
  const xs = chart.series[0].x;
  const cursor = svg.appendChild(svgElement("g", { class: "cursor", visibility: "hidden" }));
  const line = cursor.appendChild(svgElement("line", { y1: top, y2: bottom }));
  const dots = chart.series.map(series => cursor.appendChild(svgElement("circle", { class: "dot " + series.style, r: 4.5 })));
  const tip = figure.appendChild(document.createElement("div"));
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  let current = -1;

  function show(index) {
    current = Math.max(0, Math.min(xs.length - 1, index));
    const x = xAt(xs[current]);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    const heading = document.createElement("b");
    heading.textContent = chart.x_label + " " + xs[current];
    tip.replaceChildren(heading);
    chart.series.forEach((series, i) => {
      const y = series.y[current];
      dots[i].setAttribute("visibility", y === null ? "hidden" : "inherit");
      if (y !== null) { dots[i].setAttribute("cx", x); dots[i].setAttribute("cy", yAt(y)); }
      const row = tip.appendChild(document.createElement("div"));
      row.className = "key " + series.style;
      row.textContent = series.name + "  " + written(y);
    });
    cursor.setAttribute("visibility", "visible");
    tip.hidden = false;
    const at = x / chart.width * figure.clientWidth;
    tip.style.left = Math.max(0, at > figure.clientWidth / 2 ? at - tip.offsetWidth - 14 : at + 14) + "px";
  }
  function hide() {
    cursor.setAttribute("visibility", "hidden");
    tip.hidden = true;
    current = -1;
  }
  function nearest(x) {
    let best = 0;
    for (let i = 1; i < xs.length; ++i) if (Math.abs(xs[i] - x) < Math.abs(xs[best] - x)) best = i;
    return best;
  }

  svg.setAttribute("tabindex", "0");
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect();
    const position = (event.clientX - box.left) / box.width * chart.width;
    show(nearest(xLow + (position - left) / (right - left) * (xHigh - xLow)));
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", event => {
    const last = xs.length - 1, from = current < 0 && event.key.endsWith("Left") ? xs.length : current;
    const targets = { ArrowLeft: from - 1, ArrowRight: from + 1, PageUp: from - 10, PageDown: from + 10, Home: 0, End: last };
    if (event.key === "Escape") hide();
    if (!(event.key in targets)) return;
    event.preventDefault();
    show(targets[event.key]);
  });
}

charts.forEach(addTooltip);
document.documentElement.dataset.ready = charts.length;
)js";

}  // namespace demo
