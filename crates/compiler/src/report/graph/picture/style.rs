//! The looks of a picture, light and dark.

/// Inside of `<style>`. Colours are variables, so that a page around the picture can choose them too.
pub(super) const STYLE: &str = "\
.pic{--text:#1f2328;--soft:#59636e;--line:#818b98;--stage:#f6f8fa;--async:#ddf4ff;--trigger:#0969da;\
--ok:#dafbe1;--ok-line:#1a7f37;--bad:#ffebe9;--bad-line:#cf222e;--part:#fff8c5;--part-line:#9a6700;--none:#fff;--none-line:#afb8c1;\
font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace}\
@media(prefers-color-scheme:dark){.pic{--text:#e6edf3;--soft:#9198a1;--line:#7d8590;--stage:#161b22;--async:#0c2d57;--trigger:#4493f8;\
--ok:#12261e;--ok-line:#3fb950;--bad:#3a1518;--bad-line:#f85149;--part:#2e2a1f;--part-line:#d29922;--none:#0d1117;--none-line:#3d444d}}\
.pic text{fill:var(--text);white-space:pre}.pic .title{font-weight:600;font-size:14px}\
.pic .soft,.pic .task{fill:var(--soft);font-size:11px}\
.pic path{fill:none;stroke:var(--line);stroke-width:1.3}.pic .trigger path,.pic .again path{stroke:var(--trigger)}\
.pic .again path{opacity:.65}.pic .dashed path{stroke-dasharray:5 4}.pic .again.dashed path{stroke-dasharray:1.5 3}\
.pic .cycle path{stroke:var(--bad-line)}.pic path.head{stroke:none;fill:var(--line)}.pic .trigger .head,.pic .again .head{fill:var(--trigger)}\
.pic .cycle .head{fill:var(--bad-line)}\
.pic rect{stroke-width:1;fill:var(--stage);stroke:var(--line)}.pic .async rect{fill:var(--async);stroke:var(--trigger)}\
.pic .async.again rect{fill:none;stroke-dasharray:4 3}.pic .missing rect{fill:var(--bad);stroke:var(--bad-line);stroke-dasharray:4 3}\
.pic .chip text{font-size:11px}.pic .sent rect{fill:var(--ok);stroke:var(--ok-line)}.pic .lost rect{fill:var(--bad);stroke:var(--bad-line)}\
.pic .lost text{fill:var(--bad-line)}.pic .partly rect{fill:var(--part);stroke:var(--part-line);stroke-dasharray:4 3}\
.pic .unread rect{fill:var(--none);stroke:var(--none-line)}.pic .unread text{fill:var(--soft)}";
