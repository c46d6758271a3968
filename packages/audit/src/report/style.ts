// The report's one style sheet. Colors pass WCAG AA on both grounds; no meaning is carried by color alone.
export const CSS: string = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--ground:#fff;--panel:#f6f8fa;--good:#116329;--bad:#a40e26;--warn:#7d4e00;--note:#0550ae}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;--ground:#0d1117;--panel:#151b23;--good:#4ac26b;--bad:#ff8182;--warn:#d4a72c;--note:#6cb6ff}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.5rem 4rem;max-width:72rem;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0 0 .2rem}h2{font-size:1.15rem;margin:2.5rem 0 .7rem}p{margin:.3rem 0}
.soft{color:var(--soft)}code,.id{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
.state{border:1px solid var(--line);border-left:6px solid var(--good);background:var(--panel);padding:.8rem 1rem;margin:1.2rem 0;border-radius:4px}
.state.bad{border-left-color:var(--bad)}.state strong{font-size:1.05rem}
.numbers{display:flex;flex-wrap:wrap;gap:.6rem;padding:0;margin:1rem 0;list-style:none}
.numbers li{background:var(--panel);border:1px solid var(--line);border-radius:4px;padding:.5rem .9rem;min-width:7rem}
.numbers b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
table{border-collapse:collapse;width:100%;font-size:13.5px}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere;unicode-bidi:isolate}
th{color:var(--soft);font-weight:600;white-space:nowrap}td.n{font-variant-numeric:tabular-nums;white-space:nowrap}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.note{color:var(--note)}
.tree,.tree ul{list-style:none;margin:0;padding-left:1.3rem}.tree{padding-left:0}
.tree ul{border-left:1px solid var(--line);margin-left:.5rem}.tree li{padding:.25rem 0;position:relative}
.tree ul>li::before{content:"";position:absolute;left:-1.3rem;top:1rem;width:1rem;border-top:1px solid var(--line)}
.tree .dead>.who{text-decoration:line-through}
.who{font-weight:600}.tag{border:1px solid currentColor;border-radius:3px;padding:0 .35rem;font-size:12px;white-space:nowrap}
svg{display:block;width:100%;height:auto;background:var(--panel);border:1px solid var(--line);border-radius:4px}
svg text{font:11px system-ui,sans-serif;fill:var(--soft)}svg line{stroke:var(--line)}
svg .allowed{fill:var(--good)}svg .refused{fill:var(--bad)}svg .ingest{fill:var(--warn)}svg .other{fill:var(--note)}
fieldset{border:0;padding:0;margin:.6rem 0}label{margin-right:1rem}
body:has(#only-refused:checked) .timeline tr.allowed,body:has(#only-refused:checked) .timeline tr.ingest,body:has(#only-refused:checked) .timeline tr.other{display:none}
body:has(#only-decisions:checked) .timeline tr.ingest,body:has(#only-decisions:checked) .timeline tr.other{display:none}
.bar{display:grid;grid-template-columns:16rem 1fr 4rem;gap:.6rem;align-items:center;margin:.2rem 0}
meter{width:100%}
`;
