/* SPDX-License-Identifier: Apache-2.0 */
/* layers.js - where the time goes, in the order of the model, and each layer's details. */

/* Of the counts in the figures, these say something more of instructions counted elsewhere. */
const EVENTS = ['taken', 'taken_register', 'load_words', 'store_words', 'load_follows',
  'store_follows', 'load_used', 'multiply_used', 'pair', 'pair_short', 'vector_overlap',
  'constant_read'];

const term = (name, value, type) => [el('dt', {}, name), el('dd', {class: type}, value)];

/* A quantised value is scale * (q - zero_point). */
function quantText(t) {
  if (!known(t.scale)) return '';
  const sign = t.zero_point < 0 ? '+' : '\u2212';
  const q = t.zero_point ? `(q ${sign} ${Math.abs(t.zero_point)})` : 'q';
  return ', ' + `${t.scale} ${TIMES} ${q}`.replaceAll(' ', SPACE);
}

const tensorText = t =>
  `${t.type} ${t.shape.join(TIMES) || 'scalar'}, ${bytes(t.bytes)}${quantText(t)}`;

/* Names break where their parts meet. */
const parts = name => name.split(/(?<=[;/])/).map(part => [part, el('wbr')]);

function tensorTerms(layer, node) {
  const written = node.output.name === layer.name ? 'the tensor of that name'
    : parts(node.output.name);
  return [
    node.inputs.map(t =>
      term('reads', [nameOf(t.name), el('span', {class: 'muted'}, tensorText(t))])),
    term('writes', [el('div', {}, written), el('span', {class: 'muted'}, tensorText(node.output))]),
  ];
}

function figureTerms(e, layer, node) {
  const figures = [
    ['MACs', whole(layer.macs)],
    ['parameters', whole(node && node.parameters)],
    ['instructions', whole(layer.instructions)],
    [unit(e), whole(effort(e, layer))],
    [unit(e) + '/MAC', fixed(perMac(e, layer), 2)],
    ['milliseconds', millis(time(e, layer))],
    ['weights', bytes(layer.weight_bytes)],
    ['tables', bytes(layer.table_bytes)],
  ];
  return figures.map(([name, value]) => term(name, value, 'n'));
}

function countTerms(layer) {
  const of = Object.entries(layer.counts || {}).filter(([name]) => !EVENTS.includes(name));
  return of.sort((a, b) => b[1] - a[1]).map(([name, n]) => [
    term(name.replaceAll('_', ' '), whole(n), 'n'),
    el('dd', {class: 'n'}, share(n, layer.instructions))]);
}

function layerDetail(e, layer, node) {
  const counts = countTerms(layer);
  return el('div', {class: 'facts'},
    el('div', {}, el('h3', {}, 'In the model'),
      el('dl', {}, term('name', parts(layer.name)), node && tensorTerms(layer, node))),
    el('div', {}, el('h3', {}, 'Figures'),
      el('dl', {class: 'half'}, figureTerms(e, layer, node))),
    counts.length > 0 && el('div', {}, el('h3', {}, 'Instructions by kind'),
      el('dl', {class: 'half three'}, counts)));
}

function layerRows(e, layer, i, most) {
  const id = `detail-${i}`, own = effort(e, layer), open = view.open.has(i);
  const button = el('button', {type: 'button', class: 'op', 'aria-expanded': String(open),
    'aria-controls': id}, layer.operator);
  const detail = el('tr', {class: 'detail', role: 'row', id, hidden: !open},
    el('td', {role: 'cell', colspan: 7}, layerDetail(e, layer, e.plan.layers[i])));
  const toggle = () => {
    detail.hidden = !detail.hidden;
    button.setAttribute('aria-expanded', String(!detail.hidden));
    if (detail.hidden) view.open.delete(i);
    else view.open.add(i);
  };
  return [
    el('tr', {class: 'row ' + familyOf(layer.operator), role: 'row', 'data-step': i,
      on: {click: toggle}},
      cell(i, {class: 'n c-i'}),
      cell([button, el('span', {class: 'shape'},
        `${shape(layer.in_shape)} ${ARROW} ${shape(layer.out_shape)}`), nameOf(layer.name)],
      {class: 'what'}),
      cell(el('span', {class: 'track'}, el('i', {style:
        `width:${(most ? 100 * own / most : 0).toFixed(2)}%`})),
      {class: 'c-bar', 'aria-hidden': 'true'}),
      cell(share(own, effort(e, e.total)), {class: 'n c-share'}),
      cell(millis(time(e, layer)), {class: 'n c-ms'}),
      cell(whole(own), {class: 'n c-eff'}),
      cell(fixed(perMac(e, layer), 2), {class: 'n c-per'})),
    detail,
  ];
}

function drawLayers(e) {
  const most = Math.max(...e.layers.map(layer => effort(e, layer)), 0);
  const slowest = e.layers.findIndex(layer => effort(e, layer) === most);
  const used = Object.keys(FAMILIES).filter(f => e.layers.some(l => familyOf(l.operator) === f));
  at('layers-sub').textContent = `${count(e.layers.length, 'layer')}, in the order of the model. `
    + (most ? `Layer ${slowest}, ${e.layers[slowest].operator}, takes `
      + `${share(most, effort(e, e.total))}. ` : '') + 'Open a layer for its details.';
  at('layers-key').replaceChildren(...used.map(f =>
    el('li', {}, el('i', {class: f}), FAMILIES[f].title)));
  at('layers-body').replaceChildren(table({class: 'layers', id: 'layers-table'},
    [['', 'c-i'], ['layer', 'what'], ['', 'c-bar'], ['share', 'n c-share'], ['ms', 'n c-ms'],
      [unit(e), 'n c-eff'], ['per MAC', 'n c-per']],
    e.layers.map((layer, i) => layerRows(e, layer, i, most)),
    el('tr', {role: 'row'}, cell('', {class: 'c-i'}), el('th', {scope: 'row'}, 'total'),
      cell('', {class: 'c-bar'}), cell('', {class: 'n'}), cell(millis(time(e, e.total))),
      cell(whole(effort(e, e.total)), {id: 'layers-total'}),
      cell(fixed(perMac(e, e.total), 2)))));
}
