#include <mica/io/inspect_page.h>

namespace mica::io {

const std::string_view inspect_style = R"css(
:root {
  color-scheme: light dark;
  --page: #f6f6f3; --card: #ffffff; --ink: #1d2226; --soft: #5c666e; --rule: #e2e3df; --hover: #f0f1ed;
  --type: #2b6cb0; --bar: #7aa7d9; --grad: #d08a54; --warn: #b3361b; --badge: #e9ebe6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1c2024; --ink: #e6e8e9; --soft: #9ca6ad; --rule: #30363b; --hover: #252a2f;
    --type: #79b2ec; --bar: #4a83bd; --grad: #c9854f; --warn: #ff8f73; --badge: #2c3238;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1160px; margin: 0 auto; padding: 36px 24px 56px; }
h1 { font-size: 28px; line-height: 1.2; letter-spacing: -0.01em; margin: 0; overflow-wrap: anywhere; }
.soft { color: var(--soft); }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 20px 0 0; }
.tiles div { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 12px 16px; }
.tiles dt { color: var(--soft); font-size: 13px; }
.tiles dd { margin: 0; font-size: 23px; line-height: 1.3; font-weight: 600; letter-spacing: -0.01em; font-variant-numeric: tabular-nums; }
.tiles small { display: block; font-size: 13px; font-weight: 400; color: var(--soft); letter-spacing: 0; }
.tiles .warn dd { color: var(--warn); }

.tools { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; margin: 20px 0 0; padding: 10px 0; background: var(--page); }
.tools input, .tools select {
  min-height: 38px; padding: 6px 12px; font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--rule); border-radius: 9px;
}
.tools input { flex: 1 1 260px; min-width: 0; }
.tools output { color: var(--soft); font-size: 13.5px; }
.tools output:empty { display: none; }

.card { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 8px 10px; overflow: hidden; }
.tree, .tree ul { list-style: none; margin: 0; padding: 0; }
.tree ul { margin-left: 15px; padding-left: 9px; border-left: 1px solid var(--rule); }
li:focus { outline: none; }
li:focus-visible > .row { outline: 2px solid var(--type); outline-offset: -2px; }
.row { display: flex; align-items: baseline; gap: 4px 10px; padding: 5px 8px; border-radius: 7px; cursor: pointer; }
.row:hover { background: var(--hover); }
.row::before { content: ""; flex: none; width: 9px; color: var(--soft); }
li[aria-expanded] > .row::before { content: "\25B8"; }
li[aria-expanded="true"] > .row::before { content: "\25BE"; }
.what { flex: 1; min-width: 0; overflow-wrap: anywhere; }
.name { font-weight: 600; }
.type { color: var(--type); }
.about { color: var(--soft); font-size: 13.5px; }
.shape { font-variant-numeric: tabular-nums; }
.badge { display: inline-block; padding: 0 7px; border-radius: 99px; background: var(--badge); color: var(--soft); font-size: 12px; line-height: 19px; white-space: nowrap; }
.badge.warn { background: none; border: 1px solid currentColor; line-height: 17px; color: var(--warn); }
.count { flex: none; text-align: right; font-variant-numeric: tabular-nums; }
.spread { flex: none; width: 190px; text-align: right; color: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap; }
.spark { flex: none; align-self: center; width: 76px; height: 20px; }
.more > .row { color: var(--type); }

.detail { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 14px 28px; margin: 2px 8px 10px 27px; padding: 12px 14px; border: 1px solid var(--rule); border-radius: 9px; background: var(--page); }
.detail figure { margin: 0; min-width: 0; }
.detail figcaption { margin-bottom: 6px; font-size: 13.5px; font-weight: 600; }
.detail p { grid-column: 1 / -1; margin: 0; color: var(--soft); font-size: 13.5px; }
.axis { display: flex; justify-content: space-between; color: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.big { display: block; width: 100%; height: 96px; border-bottom: 1px solid var(--soft); }
svg path { fill: var(--bar); }
.grad path { fill: var(--grad); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(92px, 1fr)); gap: 6px 14px; margin: 10px 0 0; }
.facts dt { color: var(--soft); font-size: 12.5px; }
.facts dd { margin: 0; font-size: 14px; font-variant-numeric: tabular-nums; }
.facts .warn dd { color: var(--warn); font-weight: 600; }
.none { margin: 0; padding: 10px 8px; color: var(--soft); font-style: italic; }
.help { margin: 12px 0 0; color: var(--soft); font-size: 13px; }
kbd { padding: 0 5px; border: 1px solid var(--rule); border-radius: 5px; background: var(--card); font: 12px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
:focus-visible { outline: 2px solid var(--type); outline-offset: 2px; }

@media (max-width: 760px) {
  main { padding: 24px 12px 36px; }
  h1 { font-size: 24px; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .tiles dd { font-size: 20px; }
  .tiles div:last-child:nth-child(odd) { grid-column: 1 / -1; }
  .tools select { flex: 1 1 150px; min-width: 0; }
  .card { padding: 6px 4px; }
  .row { padding: 7px 6px; }
  .tree ul { margin-left: 9px; padding-left: 3px; }
  .spread, .spark { display: none; }
  .detail { margin-left: 8px; }
}
@media print { .tools, .help { display: none; } }
)css";

}  // namespace mica::io
