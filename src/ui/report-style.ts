/** The report's style sheet: light or dark as the reader prefers, no horizontal page scrolling at 390 px, expanded details in print. */
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
p { margin: 0 0 8px; } header .muted { margin: 0; } section { margin-top: 32px; scroll-margin-top: 8px; } a { color: var(--link); }
a.self { color: inherit; text-decoration: none; } a.self:hover { text-decoration: underline; } :target { outline: 2px solid var(--link); outline-offset: 4px; } tr:target { outline-offset: -2px; }
h1, code, .hash { overflow-wrap: anywhere; }
code, pre { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
small { display: block; font-size: 12.5px; color: var(--soft); font-weight: 400; } .muted { color: var(--soft); }
.hash { user-select: all; -webkit-user-select: all; }
td .hash { display: inline-block; min-width: 200px; white-space: normal; }
.verdict { font-size: 18px; font-weight: 600; padding: 10px 14px; border-radius: 6px; border-left: 5px solid; overflow-wrap: anywhere; }
.verdict .why { font-weight: 400; }
.verdict.passed { color: var(--good); background: var(--good-ground); } .verdict.failed { color: var(--bad); background: var(--bad-ground); }
.verdict.worrying { color: var(--warn); background: var(--warn-ground); }
.verdict.accepted { color: var(--bad); background: var(--warn-ground); }
.verdict.unverified { color: var(--warn); background: var(--warn-ground); }
.known { border-left: 5px solid; padding: 6px 14px; border-radius: 6px; } .known.bad { color: var(--bad); background: var(--bad-ground); } .known.warn { color: var(--warn); background: var(--warn-ground); } .known a { color: inherit; font-weight: 600; }
nav { margin: 16px 0 0; } nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0; padding: 8px 0; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 12px 0 0; }
.tiles div { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 5px 12px; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.tiles dt { color: var(--soft); font-size: 13px; } .tiles dd { margin: 0; font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
.tiles .bad dd { color: var(--bad); } .tiles .warn dd { color: var(--warn); }
.notice { background: var(--warn-ground); color: var(--warn); border-left: 5px solid; padding: 8px 12px; border-radius: 6px; }
.failure { background: var(--bad-ground); border-left: 5px solid var(--bad); border-radius: 6px; padding: 12px 14px; margin: 10px 0; }
.failure h3 { color: var(--bad); } .failure pre { margin: 0 0 8px; white-space: pre-wrap; overflow-wrap: anywhere; } .failure p { margin: 0; overflow-wrap: anywhere; }
.scroll { border: 1px solid var(--line); border-radius: 6px; margin: 8px 0 14px; } .label { color: var(--soft); } table .label { display: none; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: 14px; }
caption { text-align: left; padding: 8px 12px; font-weight: 600; background: var(--panel); border-bottom: 1px solid var(--line); border-radius: 6px 6px 0 0; }
th, td { text-align: left; vertical-align: top; padding: 7px 12px; border-bottom: 1px solid var(--line); }
tbody:last-child > tr:last-child > *, tfoot > tr > * { border-bottom-color: transparent; } tfoot > tr > * { border-top: 2px solid var(--line); background: var(--panel); }
thead th { color: var(--soft); font-size: 13px; vertical-align: bottom; position: sticky; top: 0; z-index: 1; background: var(--panel); } thead th small { font-size: 13px; }
tbody th { font-weight: 500; } .steps tbody th, .files td, .facts tbody th { white-space: nowrap; } .files td:last-child, .steps td:last-child { white-space: normal; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } .prose { min-width: 180px; overflow-wrap: break-word; }
.matrix tbody th { min-width: 280px; } .matrix tbody th code { color: var(--soft); font-weight: 400; } .matrix td { min-width: 92px; } .matrix tfoot td { font-size: 13px; }
.matrix td.accepted { background: var(--bad-ground); color: var(--bad); } .matrix td.failed { background: var(--bad-ground); color: var(--bad); } .matrix td.passed .mark { color: var(--good); } .matrix td.cannot-here, .matrix td.deselected { background: var(--warn-ground); color: var(--warn); } .matrix td.not-applicable { color: var(--soft); }
.mark { font-weight: 600; display: block; } td.blocked { color: var(--soft); }
.subject { border: 1px solid var(--line); border-radius: 6px; margin: 6px 0; } .subject > summary { padding: 8px 12px; } .subject > .scroll { border-width: 1px 0 0; border-radius: 0; margin: 0; } .subject caption { display: none; } .subject .bad { color: var(--bad); font-weight: 600; }
.matrix details { font-weight: 400; font-size: 12.5px; margin-top: 4px; } .findings { margin: 4px 0; padding-left: 18px; } .findings p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.exposure { margin: 0 0 6px; } .exposure.exposed strong { color: var(--bad); } .exposure.not-exposed strong { color: var(--good); } .exposure.unknown strong { color: var(--warn); }
.reasons { padding-left: 18px; margin: 4px 0 14px; } .reasons ul { padding-left: 18px; } section > h3 { margin-top: 14px; } details > summary + * { margin-top: 4px; }
summary { cursor: pointer; } .figures { margin: 4px 0 6px; font-size: 12.5px; } .figures div { display: flex; gap: 8px; } .figures dt { color: var(--soft); } .figures dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.group th { background: var(--panel); color: var(--soft); font-size: 13px; font-weight: 600; }
.pairs tbody th, .advisories td:first-child, .advisories tbody th a { white-space: nowrap; } .pairs thead { display: none; } .pairs tbody th { width: 1%; padding-right: 28px; }
.severity { font-size: 12px; font-weight: 700; text-transform: uppercase; letter-spacing: .03em; padding: 1px 7px; border-radius: 4px; border: 1px solid; }
.severity.critical { color: var(--ground); background: var(--bad); border-color: var(--bad); } .severity.high { color: var(--bad); background: var(--bad-ground); }
.severity.medium { color: var(--warn); background: var(--warn-ground); } .severity.low { color: var(--soft); }
.packages { margin: 6px 0 0; padding-left: 18px; columns: 260px auto; }
.chart { margin: 8px 0 14px; max-width: 760px; } .chart figcaption { font-weight: 600; font-size: 14px; margin-bottom: 8px; }
.chart svg { width: 100%; height: auto; } .chart rect { fill: var(--link); } .chart text { fill: var(--text); font-size: 14px; dominant-baseline: central; }
@media (max-width: 999px) { .scroll { overflow: auto; max-height: 80vh; } }
@media (min-width: 700px) { .advisories tbody th { width: 36%; } }
@media (min-width: 1000px) { .matrix tbody th, .metrics tbody th { position: sticky; left: 0; background: var(--ground); } .metrics .group th { background: var(--panel); } }
@media (max-width: 699px) { main, footer { padding: 14px 12px; } h1 { font-size: 22px; } .verdict { font-size: 16px; } section { margin-top: 26px; }
  .matrix tbody th { min-width: 190px; } .tiles { grid-template-columns: repeat(auto-fit, minmax(104px, 1fr)); gap: 6px; } .tiles div { padding: 3px 8px; } .tiles dt { font-size: 12px; } .tiles dd { font-size: 17px; } nav ul { gap: 6px 14px; }
  .scroll:has(> .stack) { overflow: visible; max-height: none; } .stack, .stack caption, .stack tbody, .stack tr, .stack th, .stack td { display: block; width: auto; } .stack thead { display: none; }
  .stack tbody tr { padding: 8px 0; border-bottom: 1px solid var(--line); } .stack tbody tr > * { border: 0; padding: 2px 12px; text-align: left; white-space: normal; min-width: 0; } .stack .group { padding: 0; } .stack .group th { padding: 6px 12px; }
  table.stack .label { display: inline; } .files.stack td { display: inline-block; padding-right: 0; } td .hash { min-width: 0; } .packages { columns: 1; } }
@page { margin: 12mm; }
@media print { body, table { font-size: 10px; } main { max-width: none; padding: 0; } section { margin-top: 18px; } nav, .subject > summary::marker { display: none; }
  details:not(.long)::details-content { content-visibility: visible; display: block; height: auto; } thead th { position: static; } .subject { border: 0; }
  h1 { font-size: 20px; } h2 { font-size: 14px; break-after: avoid; } h3 { font-size: 11px; } .verdict, .tiles dd { font-size: 14px; }
  small, code, pre, thead th, thead th small, .tiles dt, .figures, .matrix details p, .group th, .severity { font-size: 9px; }
  .tiles { grid-template-columns: repeat(auto-fit, minmax(80px, 1fr)); } .scroll { overflow: visible; max-height: none; border: 0; } tr, .failure { break-inside: avoid; }
  summary, section > p { break-after: avoid; } tbody:first-of-type > tr:first-child { break-before: avoid; } tfoot { display: table-row-group; }
  th, td { padding: 3px 5px; } td code, th code { white-space: normal; overflow-wrap: anywhere; } td .hash { min-width: 180px; }
  .matrix details, .matrix tfoot td, .findings, .findings strong { font-size: 9px; } .prose { min-width: 0; overflow-wrap: anywhere; } .facts tbody th { white-space: normal; }
  .matrix tbody th { min-width: 0; position: static; } .matrix td { min-width: 60px; } .steps th, .steps td { white-space: normal; } }
`;
