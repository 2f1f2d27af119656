/* SPDX-License-Identifier: Apache-2.0 */
/* memory.js - how much memory is alive when, and where it lies.
 *
 * One axis of time for both pictures: steps, or turns where rows are pushed one by one. A box is
 * a piece of memory: the bytes [offset, offset + bytes) from its first to its last time.
 */

/* Tensors that share a piece, one computed in place of the other, are one box with two names.
 * Rows come as [offset, bytes, first, last]. */
function boxesOf(plan) {
  const boxes = new Map();
  const add = (name, [offset, size, first, last], row) => {
    const key = [offset, first, last, row].join(), old = boxes.get(key);
    if (old) {
      old.bytes = Math.max(old.bytes, size);
      old.names.push(name);
    } else
      boxes.set(key, {names: [name], bytes: size, offset, first, last, row});
  };
  for (const entry of plan.memory) {
    const pieces = entry.rows || [[entry.offset, entry.bytes, entry.first, entry.last]];
    pieces.forEach((piece, row) => add(entry.tensor, piece, pieces.length > 1 ? row : null));
  }
  return [...boxes.values()];
}

/* Which layer makes the tensors of a box; -1: an input, or scratch of a kernel. */
const makerOf = (plan, box) => plan.layers.findIndex(l => box.names.includes(l.output.name));

function memoryOf(e) {
  const plan = e.plan, boxes = boxesOf(plan);
  const last = Math.max(0, ...boxes.map(box => box.last));
  const isTurns = known(plan.schedule);
  const slots = isTurns ? last + 1 : plan.layers.length;
  const live = new Array(slots).fill(0);
  for (const box of boxes) {
    const maker = makerOf(plan, box);
    box.maker = maker;
    box.family = maker < 0 ? 'move' : familyOf(plan.layers[maker].operator);
    box.last = Math.min(box.last, slots - 1);
    for (let i = box.first; i <= box.last; i++) live[i] += box.bytes;
  }
  const peak = live.indexOf(Math.max(...live, 0));
  return {boxes, live, slots, isTurns, peak, most: live[peak] || 0, total: plan.total.scratch_bytes,
    word: isTurns ? 'turn' : 'step'};
}

/* ---- the pictures ---------------------------------------------------------------------------- */

/* Round values up to `most`: a power of two times 1, 2 or 4, three to six of them. */
function ticks(most, target) {
  let step = 1;
  while (most / step > target) step *= 2;
  const values = [];
  for (let v = 0; v <= most; v += step) values.push(v);
  return values;
}
const sizeText = value => value === 0 ? '0'
  : value < 1024 ? `${value} B` : `${+(value / 1024).toFixed(2)} KiB`;

function frame(m, width) {
  const left = 62, right = 6, small = width < 560;
  const live = {top: 36, height: small ? 84 : 104}, map = {height: small ? 200 : 250};
  map.top = live.top + live.height + 42;
  const inner = Math.max(40, width - left - right), slot = inner / m.slots;
  return {left, width, inner, slot, live, map, height: map.top + map.height + 36,
    x: i => left + i * slot,
    liveY: v => live.top + live.height * (1 - v / Math.max(1, m.total, m.most)),
    mapY: v => map.top + map.height * (1 - v / Math.max(1, m.total))};
}

function scale(f, panel, y, values) {
  return values.map(v => [
    svg('line', {class: v ? 'grid' : 'axis', x1: f.left, x2: f.left + f.inner, y1: y(v), y2: y(v)}),
    svg('text', {x: f.left - 8, y: y(v) + 4, 'text-anchor': 'end'}, sizeText(v))]);
}

function timeScale(m, f) {
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]
    .find(n => n * f.slot >= 26) || 10000;
  const y = f.map.top + f.map.height;
  const labels = [];
  for (let i = 0; i < m.slots; i += every)
    labels.push(svg('text', {x: f.x(i + .5), y: y + 17, 'text-anchor': 'middle'}, String(i)));
  return [labels, svg('text', {x: f.left - 8, y: y + 17, 'text-anchor': 'end'}, m.word)];
}

function livePanel(m, f) {
  const gap = f.slot > 8 ? 2 : 0, peakX = f.x(m.peak + .5);
  const anchor = peakX < f.left + 90 ? 'start' : peakX > f.left + f.inner - 90 ? 'end' : 'middle';
  const textX = anchor === 'start' ? f.left : anchor === 'end' ? f.left + f.inner : peakX;
  return svg('g', {},
    svg('text', {class: 'title', x: 0, y: 12}, 'bytes alive'),
    scale(f, f.live, f.liveY, ticks(Math.max(m.total, 1), 4)),
    m.live.map((v, i) => svg('rect', {class: v === m.most ? 'peak' : 'live', 'data-live': v,
      x: (f.x(i) + gap / 2).toFixed(2), y: f.liveY(v).toFixed(2),
      width: (f.slot - (gap || -.6)).toFixed(2),
      height: (f.liveY(0) - f.liveY(v)).toFixed(2)})),
    m.total > 1.01 * m.most && [
      svg('line', {class: 'limit', x1: f.left, x2: f.left + f.inner, y1: f.liveY(m.total),
        y2: f.liveY(m.total)}),
      svg('text', {x: f.left + f.inner, y: f.liveY(m.total) - 6, 'text-anchor': 'end'},
        `reserved ${bytes(m.total)}`)],
    m.most > 0 && svg('text', {class: 'strong', x: textX, y: f.liveY(m.most) - 7,
      'text-anchor': anchor}, `peak ${bytes(m.most)}, ${m.word} ${m.peak}`));
}

function boxText(m, box, e) {
  const maker = e.plan.layers[box.maker];
  const when = box.first === box.last ? `${m.word} ${box.first}`
    : `${m.word}s ${box.first}${DASH}${box.last}`;
  const end = box.offset + box.bytes - 1;
  return [
    (maker ? `${box.maker} ${maker.operator}` : '') + (known(box.row) ? `, row ${box.row}` : ''),
    `${bytes(box.bytes)} at ${whole(box.offset)}${DASH}${whole(end)}, ${when}`,
    ...box.names].filter(Boolean);
}

/* What fits into a box: letters are about 6.4 pixels wide. */
function boxLabel(box, e, width, height) {
  const maker = e.plan.layers[box.maker];
  const text = maker ? `${box.maker} ${maker.operator}` : box.names[0];
  const room = Math.floor((width - 10) / 6.4);
  if (height < 16 || room < 2) return null;
  return text.length <= room ? text : maker && room < 9 ? String(box.maker) : middle(text, room);
}

function boxShape(m, f, box, e, many) {
  const full = f.mapY(box.offset) - f.mapY(box.offset + box.bytes);
  const inset = many || full < 5 ? 0 : 1.5;
  const height = Math.max(many ? .5 : 2, full - 2 * inset);
  const x = f.x(box.first), y = f.mapY(box.offset) - inset - height;
  const width = Math.max(.75, (box.last + 1 - box.first) * f.slot - (many ? 0 : 3));
  const label = many ? null : boxLabel(box, e, width, height);
  const kind = many ? full < 4 ? ' many thin' : ' many' : box.maker < 0 ? ' temporary' : '';
  return [
    svg('rect', {class: `box ${box.family}${kind}`, rx: many ? 0 : 2,
      x: (x + (many ? 0 : 1.5)).toFixed(2), y: y.toFixed(2), width: width.toFixed(2),
      height: height.toFixed(2), 'data-offset': box.offset, 'data-bytes': box.bytes,
      'data-first': box.first, 'data-last': box.last}),
    label && svg('text', {class: 'label', x: x + 6.5, y: y + 14}, label)];
}

/* ---- the tip: by pointer, by touch, by arrow keys -------------------------------------------- */

function showTip(rect, lines) {
  const tip = at('tip'), box = rect.getBoundingClientRect();
  tip.replaceChildren(...lines.map((line, i) => el('div', {class: i > 0 && 'muted'}, line)));
  tip.hidden = false;
  const page = document.documentElement, room = page.clientWidth - tip.offsetWidth - 12;
  tip.style.left = `${Math.max(12, Math.min(box.left, room)) + scrollX}px`;
  const above = box.top - tip.offsetHeight - 8;
  tip.style.top = `${(above > 4 ? above : box.bottom + 8) + scrollY}px`;
}

function hideTip(root) {
  at('tip').hidden = true;
  root.querySelectorAll('.at').forEach(rect => rect.classList.remove('at'));
}

function addTips(root, rects, textOf) {
  let current = -1;
  const select = i => {
    hideTip(root);
    current = i;
    if (i < 0) return;
    rects[i].classList.add('at');
    showTip(rects[i], textOf(i));
  };
  const keys = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};
  root.addEventListener('pointerover', event => select(rects.indexOf(event.target)));
  root.addEventListener('pointerleave', () => select(-1));
  root.addEventListener('blur', () => select(-1));
  root.addEventListener('keydown', event => {
    if (event.key === 'Escape') select(-1);
    if (!keys[event.key] || !rects.length) return;
    event.preventDefault();
    const from = current < 0 && keys[event.key] < 0 ? 0 : current;
    select((from + keys[event.key] + rects.length) % rects.length);
  });
}

/* ---- the section ----------------------------------------------------------------------------- */

function memoryTable(m, e) {
  const rows = m.boxes.map(box => el('tr', {role: 'row'},
    el('th', {role: 'rowheader', scope: 'row', class: 'wrap'}, box.names.join(' = ')
      + (known(box.row) ? `, row ${box.row}` : '')),
    cell(whole(box.offset), {'data-label': 'offset'}),
    cell(whole(box.bytes), {'data-label': 'bytes'}),
    cell(`${box.first}${DASH}${box.last}`, {'data-label': m.word + 's'})));
  const alive = m.live.map((v, i) => el('tr', {role: 'row'},
    el('th', {role: 'rowheader', scope: 'row'}, m.isTurns ? String(i)
      : `${i}${SPACE}${e.plan.layers[i].operator}`),
    cell(whole(v), {'data-label': 'bytes alive'})));
  return [table({id: 'memory-boxes', class: 'cards'},
    [['tensor', ''], ['offset', 'n'], ['bytes', 'n'], [m.word + 's', 'n']], rows),
  table({id: 'memory-live'}, [[m.word, ''], ['bytes alive', 'n']], alive)];
}

function drawMemory(e) {
  const m = memoryOf(e), body = at('memory-body'), many = m.boxes.length > 120;
  const f = frame(m, body.clientWidth || 1000);
  const above = m.most > 0 ? fixed(100 * (m.total - m.most) / m.most, 1) : fixed(0, 1);
  const state = m.isTurns ? e.plan.schedule.state_bytes - m.total : 0;
  const counters = state > 0 ? `, beside ${bytes(state)} of counters` : '';
  at('memory-sub').textContent = m.boxes.length
    ? `${bytes(m.total)} are reserved; at most ${bytes(m.most)} are alive at once `
      + `(${above}${SPACE}% above${counters}). Below is the address of every `
      + `${m.isTurns ? 'row' : 'tensor'} while it lives, in the colour of the layer that makes it`
      + `${m.boxes.some(box => box.maker < 0) ? '; inputs and scratch of kernels are grey.' : '.'}`
    : 'This program needs no memory between its layers.';
  at('memory-table').replaceChildren(...memoryTable(m, e));
  body.hidden = !m.boxes.length;
  const shapes = m.boxes.map(box => boxShape(m, f, box, e, many));
  const root = svg('svg', {viewBox: `0 0 ${f.width} ${f.height}`, width: f.width, height: f.height,
    tabindex: 0, role: 'img', id: 'memory-map', 'aria-label': 'Bytes alive over time, and the '
      + 'address of each piece of memory. Arrow keys go through the pieces; the same stands in the '
      + 'table below.'},
  livePanel(m, f),
  svg('text', {class: 'title', x: 0, y: f.map.top - 12}, 'addresses'),
  scale(f, f.map, f.mapY, ticks(Math.max(m.total, 1), 6)), timeScale(m, f), shapes);
  addTips(root, shapes.map(([rect]) => rect), i => boxText(m, m.boxes[i], e));
  hideTip(root);
  body.replaceChildren(root);
}
