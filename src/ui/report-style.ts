/** The report's style sheet: light and dark by the reader's preference, wide tables scroll by themselves, and it prints. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --ground: #fff; --panel: #f6f7f9; --text: #1b1f24; --soft: #57606a; --line: #d5dae0;
  --link: #0550ae; --good: #116329; --good-ground: #e4f6e8; --bad: #a40e26; --bad-ground: #ffebec; --warn: #7a4b00; --warn-ground: #fff4d6; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0f1318; --panel: #181d24; --text: #e6e9ed; --soft: #9aa4af; --line: #323a44; --link: #79b8ff;
    --good: #6fdc8c; --good-ground: #12301c; --bad: #ff9c9c; --bad-ground: #40161b; --warn: #f2c464; --warn-ground: #372a0c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif; }
main, footer { max-width: 1240px; margin: 0 auto; padding: 24px 20px; }
footer { color: var(--soft); border-top: 1px solid var(--line); font-size: 13px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 12px; } h2 { font-size: 20px; margin: 0 0 8px; } h3 { font-size: 15px; margin: 0 0 6px; }
p { margin: 0 0 8px; } header .muted { margin: 0; } section { margin-top: 36px; } a { color: var(--link); }
code, pre { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
small { display: block; font-size: 12.5px; color: var(--soft); font-weight: 400; } .muted { color: var(--soft); }
.hash { user-select: all; -webkit-user-select: all; }
td .hash { display: inline-block; min-width: 255px; white-space: normal; }
.verdict { font-size: 18px; font-weight: 600; padding: 10px 14px; border-radius: 6px; border-left: 5px solid; overflow-wrap: anywhere; }
.verdict .why { font-weight: 400; }
.verdict.passed { color: var(--good); background: var(--good-ground); } .verdict.failed { color: var(--bad); background: var(--bad-ground); }
.verdict.accepted { color: var(--bad); background: var(--warn-ground); }
.verdict.unverified { color: var(--warn); background: var(--warn-ground); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 14px 0 0; }
.tiles div { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.tiles dt { color: var(--soft); font-size: 13px; } .tiles dd { margin: 0; font-size: 24px; font-weight: 600; font-variant-numeric: tabular-nums; }
.tiles .bad dd { color: var(--bad); } .tiles .warn dd { color: var(--warn); }
.notice { background: var(--warn-ground); color: var(--warn); border-left: 5px solid; padding: 8px 12px; border-radius: 6px; }
.failure { background: var(--bad-ground); border-left: 5px solid var(--bad); border-radius: 6px; padding: 12px 14px; margin: 10px 0; }
.failure h3 { color: var(--bad); } .failure pre { margin: 0 0 8px; white-space: pre-wrap; overflow-wrap: anywhere; } .failure p { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; margin: 8px 0 14px; } .scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
caption { text-align: left; padding: 8px 12px; font-weight: 600; background: var(--panel); border-bottom: 1px solid var(--line); }
th, td { text-align: left; vertical-align: top; padding: 7px 12px; border-bottom: 1px solid var(--line); }
tbody:last-child > tr:last-child > *, tfoot > tr > * { border-bottom-color: transparent; } tfoot > tr > * { border-top: 2px solid var(--line); background: var(--panel); }
thead th { color: var(--soft); font-size: 13px; white-space: nowrap; vertical-align: bottom; } thead th small { font-size: 13px; }
tbody th { font-weight: 500; } .files th code, .steps th, .steps td, .files td, .facts th { white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } .prose { min-width: 180px; overflow-wrap: break-word; }
.matrix tbody th { min-width: 300px; } .matrix tbody th code { color: var(--soft); font-weight: 400; } .matrix td { min-width: 110px; width: 15%; }
.matrix td.accepted { background: var(--bad-ground); color: var(--bad); } .matrix td.failed { background: var(--bad-ground); color: var(--bad); } .matrix td.passed .mark { color: var(--good); } .matrix td.cannot-here, .matrix td.deselected { background: var(--warn-ground); color: var(--warn); } .matrix td.not-applicable { color: var(--soft); }
.mark { font-weight: 600; white-space: nowrap; } .matrix details { max-width: 260px; } .matrix details p { margin: 4px 0 0; font-size: 12.5px; overflow-wrap: anywhere; }
summary { cursor: pointer; } .figures { margin: 4px 0 6px; font-size: 12.5px; } .figures div { display: flex; gap: 8px; } .figures dt { color: var(--soft); } .figures dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.group th { background: var(--panel); color: var(--soft); font-size: 13px; font-weight: 600; }
.pairs tbody th, .advisories td:first-child, .advisories tbody th { white-space: nowrap; } .pairs thead { display: none; } .pairs tbody th { width: 1%; padding-right: 28px; }
.severity { font-size: 12px; font-weight: 700; text-transform: uppercase; letter-spacing: .03em; padding: 1px 7px; border-radius: 4px; border: 1px solid; }
.severity.critical { color: var(--ground); background: var(--bad); border-color: var(--bad); } .severity.high { color: var(--bad); background: var(--bad-ground); }
.severity.medium { color: var(--warn); background: var(--warn-ground); } .severity.low { color: var(--soft); }
.packages { margin: 6px 0 0; padding-left: 18px; columns: 260px auto; }
.chart { margin: 8px 0 14px; max-width: 760px; } .chart figcaption { font-weight: 600; font-size: 14px; margin-bottom: 8px; }
.chart svg { width: 100%; height: auto; } .chart rect { fill: var(--link); } .chart text { fill: var(--text); font-size: 14px; dominant-baseline: central; }
@media (min-width: 700px) { .matrix tbody th, .metrics tbody th { position: sticky; left: 0; background: var(--ground); } .metrics .group th { background: var(--panel); } }
@media (max-width: 699px) { main, footer { padding: 16px 12px; } h1 { font-size: 24px; } .matrix tbody th { min-width: 200px; } .tiles { grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); } }
@page { margin: 12mm; }
@media print { body, table { font-size: 10px; } main { max-width: none; padding: 0; } section { margin-top: 18px; }
  h1 { font-size: 20px; } h2 { font-size: 14px; break-after: avoid; } h3 { font-size: 11px; } .verdict, .tiles dd { font-size: 14px; }
  small, code, pre, thead th, thead th small, .tiles dt, .figures, .matrix details p, .group th, .severity { font-size: 9px; }
  .tiles { grid-template-columns: repeat(5, 1fr); } .scroll { overflow: visible; border: 0; } tr, .failure { break-inside: avoid; }
  th, td { padding: 3px 5px; } td code, th code { white-space: normal; overflow-wrap: anywhere; } td .hash { min-width: 180px; }
  .matrix tbody th { min-width: 0; position: static; } .matrix td { min-width: 60px; } .steps th, .steps td { white-space: normal; } }
`;
