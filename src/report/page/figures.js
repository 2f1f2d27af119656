/* SPDX-License-Identifier: Apache-2.0 */
/* figures.js - the figures of one core and objective in all, and beside the others. */

const data = JSON.parse(at('data').textContent);
const view = {entry: 0, mhz: data.mhz > 0 ? data.mhz : 100, open: new Set()};

const entries = data.costs.map((cost, i) => {
  const total = cost.total;
  return {
    ...cost,
    plan: data.plans[data.plan_of[i]],
    source: data.sources[i],
    label: `${cost.target}, ${cost.optimize}`,
    key: `${cost.target},${cost.optimize}`,
    isTime: cost.cycles_are === 'time',
    flash: total.code_bytes + total.weight_bytes + total.table_bytes,
    ram: total.static_bytes + total.scratch_bytes + total.state_bytes + total.stack_bytes,
  };
});

/* What shares are shares of; and in milliseconds. */
const effort = (e, of) => e.isTime ? of.nanoseconds : of.cycles;
const time = (e, of) => e.isTime ? of.nanoseconds / 1e6 : of.cycles / view.mhz / 1000;
const unit = e => e.isTime ? 'ns' : 'cycles';
const perMac = (e, of) => of.macs > 0 ? effort(e, of) / of.macs : null;

/* ---- tiles ----------------------------------------------------------------------------------- */

function tile(title, [value, unitText], more) {
  return el('div', {}, el('dt', {}, title),
    el('dd', {class: 'big'}, value, unitText && el('small', {}, SPACE + unitText)),
    more.map(line => el('dd', {class: 'more'}, line)));
}

function sourceText(e) {
  if (e.isTime) return 'Time on the machine that made this page: the median of several runs.';
  if (e.cycles_are !== 'estimated')
    return `Cycles are those that the emulator (${e.source.emulator}) counts.`;
  return 'Instructions are exact, counted under emulation. Cycles are an estimate from a table of '
    + `the core: ${e.source.error.replace(' %', SPACE + '%')}.`;
}

function drawTiles(e) {
  const t = e.total;
  const io = t.io_bytes ? `plus ${bytes(t.io_bytes)} for I/O` : 'input, output included';
  const bound = known(t.stack_bound_bytes) ? `at most ${bytes(t.stack_bound_bytes)}`
    : 'deepest seen';
  at('summary-title').textContent = `${e.target}, for ${e.optimize}`;
  at('tiles').replaceChildren(
    tile('Latency', shortTime(time(e, t)),
      [e.isTime ? 'median, on this machine' : `at ${fixed(view.mhz, view.mhz % 1 ? 2 : 0)} MHz`]),
    tile('Instructions', shortCount(t.instructions),
      known(t.instructions) ? [whole(t.instructions), 'counted'] : ['not counted here']),
    tile('Cycles', shortCount(t.cycles), known(t.cycles)
      ? [whole(t.cycles), e.cycles_are] : ['time is measured instead']),
    tile('Flash', shortBytes(e.flash), [bytes(e.flash), 'as linked']),
    tile('RAM', shortBytes(e.ram), [bytes(e.ram), io]),
    tile('Stack', shortBytes(t.stack_bytes), [bound, 'part of the RAM']));
  at('source').textContent = sourceText(e);
}

/* ---- cores and objectives side by side ------------------------------------------------------- */

function compareRow(e, i, best) {
  const t = e.total, ms = time(e, t);
  const mark = key => ({class: best[key] === columns[key](e) && !e.isTime ? 'n best' : 'n'});
  const chosen = i === view.entry;
  return el('tr', {role: 'row', class: chosen && 'chosen', 'data-entry': i,
    on: {click: () => choose(i)}},
    el('th', {role: 'rowheader', scope: 'row'},
      el('button', {type: 'button', class: 'pick', 'aria-pressed': String(chosen)}, e.target),
      el('span', {class: 'muted'}, ' ' + e.optimize)),
    cell([millis(ms), el('span', {class: 'meter'}, el('i', {style:
      `width:${(100 * ms / best.slowest).toFixed(2)}%`}))],
      {...mark('ms'), 'data-label': 'ms', class: mark('ms').class + ' time-cell'}),
    cell(whole(t.instructions), {'data-label': 'instructions'}),
    cell(whole(t.cycles), {'data-label': 'cycles'}),
    cell(e.isTime ? DASH : fixed(perMac(e, t), 2), {'data-label': 'cycles/MAC', class: 'n rare'}),
    cell(whole(e.flash), {...mark('flash'), 'data-label': 'flash, B'}),
    cell(whole(e.ram), {...mark('ram'), 'data-label': 'RAM, B'}),
    cell(whole(t.stack_bytes), {'data-label': 'stack, B'}));
}

const columns = {ms: e => time(e, e.total), flash: e => e.flash, ram: e => e.ram};

function drawCompare() {
  const best = {slowest: Math.max(...entries.map(columns.ms), 1e-9)};
  const cores = entries.filter(e => !e.isTime);
  for (const [key, value] of Object.entries(columns)) best[key] = Math.min(...cores.map(value));
  at('compare').hidden = entries.length < 2;
  at('compare-body').replaceChildren(table({class: 'cards', id: 'compare-table'},
    [['core and objective', ''], ['ms', 'n'], ['instructions', 'n'], ['cycles', 'n'],
      ['cycles/MAC', 'n rare'], ['flash, B', 'n'], ['RAM, B', 'n'], ['stack, B', 'n']],
    entries.map((e, i) => compareRow(e, i, best))));
  drawSide();
}

/* The same step on every core; objectives may cut a model into different steps. */
function drawSide() {
  const like = entries.filter(e => e.layers.length === entries[0].layers.length);
  at('side').hidden = like.length < 2;
  at('side-body').replaceChildren(table({id: 'side-table'},
    [['ms', ''], ...like.map(e => [e.label, 'n'])],
    entries[0].layers.map((layer, k) => el('tr', {role: 'row'},
      el('th', {role: 'rowheader', scope: 'row', title: layer.name},
        `${k}${SPACE}${layer.operator}`),
      like.map(e => cell(millis(time(e, e.layers[k]))))))));
}

/* ---- flash ----------------------------------------------------------------------------------- */

const PARTS = {weights: 'weight_bytes', tables: 'table_bytes'};

function flashBar(of, most) {
  return el('span', {class: 'track'}, Object.entries(PARTS).map(([name, key]) =>
    el('i', {class: name, style: `width:${(100 * of[key] / most).toFixed(3)}%`})));
}

function drawFlash(e) {
  const t = e.total, parts = [['weights', t.weight_bytes], ['tables', t.table_bytes],
    ['code', t.code_bytes]];
  const most = Math.max(1, ...e.layers.map(l => l.weight_bytes + l.table_bytes));
  at('flash-sub').textContent = `${bytes(e.flash)} in all. Weights and tables belong to layers; `
    + 'code is shared by them.';
  at('flash-body').replaceChildren(
    el('div', {class: 'stack', 'aria-hidden': 'true'}, parts.filter(([, n]) => n).map(([name, n]) =>
      el('i', {class: name, style: `flex:${n} 0 0`}))),
    el('ul', {class: 'key', id: 'flash-key'}, parts.map(([name, n]) =>
      el('li', {}, el('i', {class: name}), `${name} ${bytes(n)}, ${share(n, e.flash)}`))),
    table({class: 'flash', id: 'flash-table'},
      [['layer', ''], ['', 'c-bar'], ['weights, B', 'n c-n'], ['tables, B', 'n c-n'],
        ['share', 'n c-n c-all']],
      e.layers.map((l, i) => el('tr', {role: 'row', 'data-step': i},
        el('th', {role: 'rowheader', scope: 'row', title: l.name}, `${i}${SPACE}${l.operator}`),
        cell(flashBar(l, most), {class: 'c-bar', 'aria-hidden': 'true'}),
        cell(whole(l.weight_bytes)), cell(whole(l.table_bytes)),
        cell(share(l.weight_bytes + l.table_bytes, e.flash), {class: 'n c-all'})))));
}
