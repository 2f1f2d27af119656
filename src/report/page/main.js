/* SPDX-License-Identifier: Apache-2.0 */
/* main.js - what is shown, and when it is drawn again. */

function draw() {
  const e = entries[view.entry];
  drawTiles(e);
  drawLayers(e);
  drawMemory(e);
  drawFlash(e);
  drawCompare();
  at('entry').value = String(view.entry);
  at('clock-label').hidden = entries.every(other => other.isTime);
}

function choose(i) {
  const held = document.activeElement && document.activeElement.classList.contains('pick');
  view.entry = i;
  history.replaceState(null, '', '#' + entries[i].key);
  draw();
  if (held) document.querySelector(`#compare-table [data-entry="${i}"] .pick`).focus();
}

/* The address may name what to show: cost.html#cortex-m4,size. */
function chooseByAddress() {
  const i = entries.findIndex(e => '#' + e.key === decodeURIComponent(location.hash));
  if (i >= 0) view.entry = i;
}

function setClock() {
  const mhz = Number(at('mhz').value);
  if (!(mhz > 0)) return;
  view.mhz = mhz;
  draw();
}

/* Paper shows what a click would. */
function printAll() {
  const folds = [...document.querySelectorAll('details:not([open])')];
  folds.forEach(fold => { fold.open = true; });
  addEventListener('afterprint', () => folds.forEach(fold => { fold.open = false; }), {once: true});
}

function start() {
  const e = entries[0], name = fileName(e.model), macs = shortCount(e.total.macs).join(SPACE);
  const ends = list => list.map(t => `${t.type} ${shape(t.shape)}`).join(', ');
  document.title = `${name}: ${entries.map(other => other.label).join('; ')} ${DASH} Mica`;
  at('model').textContent = name;
  at('about').replaceChildren(`${ends(e.plan.inputs)} ${ARROW} ${ends(e.plan.outputs)}, `
    + `${count(e.layers.length, 'layer')}, ${macs} multiply-accumulates`);
  at('made').replaceChildren(`Mica ${data.version}. `, el('span', {class: 'wrap'}, e.model));
  at('entry').replaceChildren(...entries.map((other, i) => el('option', {value: i}, other.label)));
  at('entry-label').hidden = entries.length < 2;
  at('entry').addEventListener('change', event => choose(Number(event.target.value)));
  at('mhz').value = String(view.mhz);
  at('mhz').addEventListener('input', setClock);
  at('controls').addEventListener('submit', event => event.preventDefault());
  addEventListener('hashchange', () => { chooseByAddress(); draw(); });
  addEventListener('beforeprint', printAll);
  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth !== width) drawMemory(entries[view.entry]);
    width = innerWidth;
  });
  chooseByAddress();
  draw();
}

start();
