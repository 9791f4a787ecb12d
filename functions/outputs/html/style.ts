/** The style of every page. Colours keep a contrast of 4.5 at least, in light and dark; signs and words say the same as they do. */
import { trusted } from './markup.ts'

const LIGHT = `--page:#f4f5f7;--card:#fff;--ink:#1a1f26;--muted:#57606b;--line:#d9dee4;--code:#eef1f4;--link:#0b57a8;--fail:#b3261e;--fail-soft:#fdeeec;--unsure:#855000;--unsure-soft:#fff4df;--pass:#14672d;--pass-soft:#e7f5ea;--plain:#44505c;--bar:#3d74c7;--bar-soft:#c3d6f2`

const DARK = `--page:#0e1217;--card:#171c23;--ink:#e7ebf0;--muted:#9fabb8;--line:#2e3742;--code:#0f141a;--link:#7db7ff;--fail:#ff8e84;--fail-soft:#35191b;--unsure:#f2b95c;--unsure-soft:#302513;--pass:#74d28a;--pass-soft:#14291b;--plain:#b4c0cc;--bar:#7aa9ee;--bar-soft:#2a4166`

const BASE = `
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1.25rem 1rem 4rem;max-width:60rem;background:var(--page);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
h1,h2,h3,h4,p,ul,ol,dl,dd,pre{margin:0}
h1{font-size:1.5rem;line-height:1.25;text-wrap:balance}
h2{font-size:1.05rem;margin:2.25rem 0 .75rem;color:var(--muted);font-weight:650}
h3{font-size:1.2rem;line-height:1.35}
h4{font-size:.8rem;letter-spacing:.04em;text-transform:uppercase;color:var(--muted);margin-bottom:.3rem}
a{color:var(--link)}
ul,ol{padding-left:1.25rem}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.92em}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:4px}
.muted,.when{color:var(--muted)}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
`

const VERDICT = `
.verdict{background:var(--card);border:1px solid var(--line);border-top:6px solid var(--tone,var(--plain));border-radius:10px;padding:1.25rem 1.4rem;display:grid;gap:.5rem}
.word{font-size:2.1rem;line-height:1.1;font-weight:800;letter-spacing:.02em;color:var(--tone);display:flex;align-items:center;gap:.6rem}
.word .sign{font-size:1.3rem;width:2.3rem;height:2.3rem;border-radius:50%;display:grid;place-items:center;background:var(--soft)}
.fail,.error{--tone:var(--fail);--soft:var(--fail-soft)}
.pass{--tone:var(--pass);--soft:var(--pass-soft)}
.unsure,.warning{--tone:var(--unsure);--soft:var(--unsure-soft)}
.info,.skipped,.plain,.page{--tone:var(--plain);--soft:var(--code)}
.checks{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.4rem;margin-top:.35rem}
.checks li{background:var(--soft);color:var(--ink);border-radius:6px;padding:.15rem .6rem;font-size:.9rem;display:flex;gap:.4rem}
.checks .sign{color:var(--tone);font-weight:700}
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;margin:.9rem .2rem 0;font-size:.92rem}
`

const CARDS = `
.card{background:var(--card);border:1px solid var(--line);border-left:5px solid var(--tone);border-radius:10px;padding:1.1rem 1.3rem;margin-bottom:1rem;display:grid;gap:.85rem}
.card>*{min-width:0}
.card.list{display:block}
section>p+.card,section>p+.durations{margin-top:.75rem}
.kicker{font-size:.85rem;color:var(--muted);margin-bottom:-.6rem}
.severity{color:var(--tone);font-weight:700}
h3 code{font-size:.92em;background:var(--code);border-radius:4px;padding:.05em .3em}
.causes,.plain,.beside,.sources,.notes{list-style:none;padding:0;display:grid;gap:.5rem}
.evidence{margin-top:.25rem;padding:.35rem .7rem;border-left:3px solid var(--line);background:var(--code);border-radius:0 6px 6px 0}
.evidence span,.possible span{font-size:.8rem;font-weight:650;color:var(--muted)}
.possible{color:var(--muted)}
.steps{display:grid;gap:.6rem}
.command{position:relative;margin-top:.35rem;background:var(--code);border:1px solid var(--line);border-radius:7px}
.command pre{padding:.6rem 5.2rem .6rem .8rem;white-space:pre-wrap}
.word-of{display:inline-block;max-width:100%;line-break:anywhere}
.command button{position:absolute;top:.35rem;right:.35rem;min-height:1.9rem;padding:.1rem .75rem;font:inherit;font-size:.85rem;font-weight:600;color:var(--link);background:var(--card);border:1px solid var(--line);border-radius:6px;cursor:pointer}
.command button:hover{border-color:var(--link)}
summary{cursor:pointer;color:var(--link);padding:.15rem 0;width:fit-content}
details[open]>summary{margin-bottom:.5rem}
.card>details+details{margin-top:-.5rem}
.plain{gap:.2rem}
.facts{display:grid;gap:.15rem}
.facts dt{font-size:.85rem;color:var(--muted)}
.facts dd{margin-bottom:.4rem}
.excerpt{margin-top:.3rem;padding:.5rem .7rem;background:var(--code);border-radius:7px;white-space:pre-wrap}
.line{display:inline-block;min-width:2.2em;color:var(--muted);user-select:none}
.beside>li{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.8rem 1.1rem;display:grid;gap:.3rem}
.beside .kicker{margin:0}
.beside h3{font-size:1rem}
.beside .card{margin:0;border:0;padding:0}
`

const FIGURES = `
.range{font-size:1.15rem;font-weight:700}
.scale{position:relative;height:2.6rem;margin:.5rem 1.6rem .6rem .3rem}
.track{position:absolute;inset:.2rem 0 auto;height:.9rem;background:var(--code);border:1px solid var(--line);border-radius:5px}
.span{position:absolute;top:-1px;bottom:-1px;min-width:4px;background:var(--bar);border-radius:4px}
.tick{position:absolute;top:1.3rem;transform:translateX(-50%);font-size:.8rem;color:var(--muted);white-space:nowrap}
.factors{display:grid;gap:.2rem}
.factors div{display:grid;grid-template-columns:8.5rem 1fr;gap:.6rem}
.factors dt{color:var(--muted)}
.strip{display:grid;grid-template-columns:1fr 1fr;font-size:.8rem;color:var(--muted);background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.6rem 1.4rem .5rem;margin:.6rem 0 1rem}
.strip>span:last-child{text-align:right}
.axis{grid-column:1/-1;position:relative;height:2.2rem;border-bottom:2px solid var(--line);margin-bottom:.4rem}
.point{position:absolute;bottom:-.57rem;width:1.05rem;height:1.05rem;margin-left:-.525rem;border-radius:50%;display:grid;place-items:center;font-size:.7rem;font-weight:800;line-height:1;color:var(--card);background:var(--tone);border:1px solid var(--card)}
.point.fail{border-radius:3px}
.point.page,.point.deployed,.point.ended{bottom:.95rem;border-radius:4px;background:var(--card);color:var(--tone);border-color:var(--tone)}
.point.page{bottom:2.1rem;--tone:var(--fail)}
.events{list-style:none;padding:0;display:grid}
.events>li{display:grid;grid-template-columns:auto 1.4rem 1fr;gap:.6rem;padding:.3rem 0}
.events>li>*{min-width:0}
.events>li>time{font-variant-numeric:tabular-nums;color:var(--muted)}
.mark{color:var(--tone);font-weight:800;text-align:center}
.durations{list-style:none;padding:0;display:grid;gap:.8rem}
.durations>li{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.8rem 1.1rem;display:grid;gap:.5rem}
.durations dl{display:grid;gap:.35rem}
.durations dl div{display:grid;grid-template-columns:3.6rem 1fr;align-items:center}
.durations dd{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,21rem);gap:.3rem .9rem;align-items:center}
.durations dt{color:var(--muted)}
.chip{font-size:.82rem;color:var(--tone);background:var(--soft);border-radius:6px;padding:.1rem .5rem;white-space:nowrap}
.box{position:relative;height:1.1rem}
.box>*{position:absolute;min-width:2px}
.box i{top:.5rem;height:2px;background:var(--bar)}
.box b{top:.15rem;bottom:.15rem;background:var(--bar-soft);border:1px solid var(--bar);border-radius:3px}
.box u{top:0;bottom:0;width:3px;margin-left:-1.5px;background:var(--ink)}
.wide{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.5rem 1rem 1rem}
.wide td{white-space:nowrap}
.sources{gap:.2rem;margin:.7rem 0;font-size:.92rem;color:var(--muted)}
.notes{list-style:disc;padding-left:1.25rem;gap:.2rem;margin-top:.6rem;font-size:.92rem;color:var(--muted)}
@media (max-width:36rem){
body{padding:.75rem .6rem 3rem}
.verdict,.card{padding:.9rem .9rem}
h1{font-size:1.25rem}
h3{font-size:1.08rem}
.factors div{grid-template-columns:1fr;gap:0}
.factors div+div{margin-top:.3rem}
.durations dd{grid-template-columns:1fr}
.wide{padding:.3rem .5rem .6rem}
.wide td{white-space:normal;min-width:6.2rem}
.durations dl div{align-items:start}
.command{display:grid}
.command pre{padding-right:.8rem}
.command button{position:static;justify-self:end;margin:0 .35rem .35rem;min-height:2.75rem;min-width:5rem}
}
`

/** On paper everything is light, open and there; colours of bars are kept, since they are what is drawn. */
const PRINT = `
@media (forced-colors:active){.span,.box>*,.point,.track{forced-color-adjust:none}}
@media print{
:root{${LIGHT};--page:#fff}
html{color-scheme:light}
body{max-width:none;padding:0;font-size:10.5pt}
nav,.command button{display:none}
.command pre{padding-right:.8rem}
details::details-content{content-visibility:visible;block-size:auto}
.wide{overflow:visible}
.card,.beside>li,.durations>li,.strip,.verdict,.events>li{break-inside:avoid}
h2,h3{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
`

export const STYLE_ELEMENT = trusted(
  `<style>:root{${LIGHT}}@media (prefers-color-scheme:dark){:root{${DARK}}}${BASE}${VERDICT}${CARDS}${FIGURES}${PRINT}</style>`,
)
