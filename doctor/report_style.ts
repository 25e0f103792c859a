// The style of the report page, light and dark.

/** The style sheet. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #fff; --text: #1b2330; --faint: #667085; --line: #e3e7ee;
  --pass: #1a7f4b; --informational: #2a6fb8; --non-strict: #b7791f; --unimplemented: #7a5cc2;
  --fail: #c8323c; --ink: #fff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #11151c; --card: #191f29; --text: #e4e8ef; --faint: #93a0b4; --line: #2a3240;
    --pass: #45b97c; --informational: #62a4e8; --non-strict: #dba64a; --unimplemented: #a88df0;
    --fail: #f0626b; --ink: #11151c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 66rem; background: var(--ground);
  color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif;
}
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .86em; }
header { margin-bottom: 1.75rem; }
.kicker { margin: 0; color: var(--faint); font-size: .82rem; letter-spacing: .04em; }
h1 { margin: .1rem 0 0; font-size: 2rem; line-height: 1.2; }
h1 small { color: var(--faint); font-weight: 400; font-size: 1.1rem; }
.about { margin: .25rem 0 1.25rem; color: var(--faint); }
.about time { margin-left: .75rem; }
.sum { margin: 0 0 .6rem; font-size: 1.15rem; font-weight: 600; }
.sum.pass { color: var(--pass); }
.sum.fail { color: var(--fail); }
.hint { color: var(--faint); }
.bar {
  display: flex; gap: 2px; height: 8px; border-radius: 4px; overflow: hidden;
  background: var(--line);
}
.bar i { min-width: 3px; }
i.pass { background: var(--pass); } i.informational { background: var(--informational); }
i.non-strict { background: var(--non-strict); } i.fail { background: var(--fail); }
i.unimplemented { background: var(--unimplemented); }
nav { display: flex; flex-wrap: wrap; gap: .6rem; margin-top: 1rem; }
button {
  display: flex; gap: .5rem; align-items: baseline; padding: .45rem .9rem; cursor: pointer;
  border: 1px solid var(--line); border-radius: 8px; background: var(--card); font: inherit;
  color: inherit;
}
button strong { font-size: 1.15rem; }
button span { font-size: .74rem; letter-spacing: .04em; color: var(--faint); }
button.pass strong, .count.pass { color: var(--pass); }
button.informational strong, .count.informational { color: var(--informational); }
button.non-strict strong, .count.non-strict { color: var(--non-strict); }
button.unimplemented strong, .count.unimplemented { color: var(--unimplemented); }
button.fail strong, .count.fail { color: var(--fail); }
button[aria-pressed="true"] { outline: 2px solid currentColor; }
.group {
  margin-bottom: .55rem; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card);
}
.group > summary {
  display: flex; gap: .75rem; align-items: center; padding: .65rem .9rem; cursor: pointer;
  list-style: none;
}
summary::-webkit-details-marker { display: none; }
.number { width: 1.6rem; text-align: right; color: var(--faint); font-variant-numeric: tabular-nums; }
.name { flex: 1; font-weight: 600; }
.count { font-variant-numeric: tabular-nums; }
.group > summary .bar { flex: 0 0 9rem; }
ol { margin: 0; padding: 0; list-style: none; border-top: 1px solid var(--line); }
li + li { border-top: 1px solid var(--line); }
.row { display: flex; gap: .75rem; align-items: baseline; padding: .35rem .9rem; list-style: none; }
summary.row { cursor: pointer; }
.row code { flex: 0 0 4rem; }
.row .title { flex: 1; overflow-wrap: anywhere; }
.row .rfc { flex: 0 1 14rem; text-align: right; color: var(--faint); font-size: .78rem; }
.badge {
  flex: 0 0 7.8rem; padding: .05rem .4rem; border-radius: 5px; font-size: .68rem;
  letter-spacing: .04em; text-align: center; color: var(--ink);
}
.badge.pass { background: var(--pass); } .badge.informational { background: var(--informational); }
.badge.non-strict { background: var(--non-strict); } .badge.fail { background: var(--fail); }
.badge.unimplemented { background: var(--unimplemented); }
dl {
  display: grid; grid-template-columns: 5.5rem 1fr; gap: .2rem .75rem; margin: .2rem .9rem .6rem 9.5rem;
  font-size: .88rem;
}
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
pre {
  margin: 0 .9rem .8rem 9.5rem; padding: .6rem .75rem; border-radius: 8px; background: var(--ground);
  white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.45;
}
.sent { color: var(--faint); }
[hidden] { display: none; }
@media (max-width: 44rem) {
  .row { flex-wrap: wrap; } .row .rfc { flex: 1 0 100%; text-align: left; }
  dl, pre { margin-left: .9rem; } .group > summary .bar { display: none; }
}
`;
