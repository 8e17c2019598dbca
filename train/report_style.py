"""The look of the report: one style sheet, no script, nothing from elsewhere; readable on paper too."""

STYLE = """
:root { --ink:#1f2933; --quiet:#6b7785; --line:#dde3ea; --ours:#0b6e8f; --paper:#fff; --wash:#f5f7f9; }
* { box-sizing: border-box; }
body { margin:0; background:var(--wash); color:var(--ink);
  font:16px/1.55 system-ui, "Segoe UI", "Noto Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size:1.75rem; line-height:1.2; margin:0 0 .25rem; }
h2 { font-size:1.3rem; margin:3rem 0 .5rem; padding-top:.75rem; border-top:2px solid var(--ink); }
h3 { font-size:1.02rem; margin:2rem 0 .4rem; }
p, li { max-width: 46rem; }
.quiet, caption, .note { color:var(--quiet); }
.note { font-size:.9rem; }
nav a { margin-inline-end:1rem; }
a { color:var(--ours); }
.scroll { overflow-x:auto; background:var(--paper); border:1px solid var(--line); border-radius:6px; }
table { border-collapse:collapse; width:100%; font-size:.9rem; font-variant-numeric:tabular-nums; }
th, td { padding:.38rem .7rem; text-align:start; vertical-align:top; border-bottom:1px solid var(--line); }
thead th { font-weight:600; line-height:1.3; vertical-align:bottom; background:var(--wash); }
td.n, th.n { text-align:end; }
tr.ours td { font-weight:600; }
tr.small td, tr.base td { color:var(--quiet); font-weight:400; }
tr:last-child td { border-bottom:0; }
tbody th { font-weight:600; background:var(--wash); }
.range { color:var(--quiet); font-weight:400; white-space:nowrap; }
.bar { display:inline-block; position:relative; width:7rem; height:.7rem; background:var(--wash);
  border:1px solid var(--line); border-radius:2px; vertical-align:middle; margin-inline-end:.5rem; }
.bar i { position:absolute; top:0; bottom:0; background:var(--ours); opacity:.25; }
.bar b { position:absolute; top:-2px; bottom:-2px; width:3px; background:var(--ours); margin-left:-1px; }
tr.small .bar i, tr.small .bar b { background:var(--quiet); }
.plots { display:flex; flex-wrap:wrap; gap:1rem; align-items:stretch; }
.plots figure { flex:1 1 24rem; }
figure { margin:.5rem 0; background:var(--paper); border:1px solid var(--line); border-radius:6px; padding:.75rem;
  max-width:100%; }
figure svg { max-width:100%; height:auto; display:block; font-family:inherit; }
figcaption { font-size:.88rem; color:var(--quiet); max-width:32rem; margin-top:.4rem; }
code { font-size:.88em; overflow-wrap:anywhere; }
@media print { body { background:#fff; } main { max-width:none; padding:0; } h2 { break-before:page; } }
"""
