/* SPDX-License-Identifier: Apache-2.0 */
/* text.js - elements, numbers and names. */

const SVG = 'http://www.w3.org/2000/svg';

/* In figures null is what was not measured; in lists it is nothing to show. */
const known = value => value !== null && value !== undefined;

/* What is handed to an element: attributes, and children that are nodes, texts or nothing. */
function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {}))
    if (key === 'on')
      for (const [event, f] of Object.entries(value)) node.addEventListener(event, f);
    else if (known(value) && value !== false)
      node.setAttribute(key, value === true ? '' : value);
  for (const child of children.flat(Infinity))
    if (known(child) && child !== false) node.append(child);
  return node;
}
const el = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);
const at = id => document.getElementById(id);

/* ---- numbers --------------------------------------------------------------------------------- */

const DASH = '\u2013', TIMES = '\u00d7', ARROW = '\u2192', SPACE = '\u00a0';
const whole = value => known(value) ? Math.round(value).toLocaleString('en-US') : DASH;
const fixed = (value, digits) => known(value) && isFinite(value)
  ? value.toLocaleString('en-US', {minimumFractionDigits: digits, maximumFractionDigits: digits})
  : DASH;
const share = (part, all) => all > 0 ? fixed(100 * part / all, 1) + SPACE + '%' : DASH;
const bytes = value => known(value) ? whole(value) + SPACE + 'B' : DASH;
const count = (n, word) => whole(n) + ' ' + word + (n === 1 ? '' : 's');

/* Three digits and a unit: ['34.9', 'M']. */
function short(value, step, units) {
  let i = 0;
  if (!known(value)) return [DASH, ''];
  while (value >= step && i < units.length - 1) {
    value /= step;
    i++;
  }
  const digits = i === 0 && Number.isInteger(value) ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;
  return [fixed(value, digits), units[i]];
}
const shortCount = value => short(value, 1000, ['', 'k', 'M', 'G']);
const shortBytes = value => short(value, 1024, ['B', 'KiB', 'MiB']);
const shortTime = ms => ms >= 1000 ? short(ms / 1000, 1000, ['s'])
  : known(ms) && ms < 1 ? short(ms * 1000, 1000, ['\u00b5s']) : short(ms, 1000, ['ms']);
const millis = ms => fixed(ms, ms >= 100 ? 1 : ms >= 1 ? 2 : 4);

/* ---- names ----------------------------------------------------------------------------------- */

/* Converters chain names with semicolons and slashes: both ends tell layers apart, the middle
 * seldom does. The head shrinks with the page, the tail stays; the whole is the title. */
const TAIL = 18;
function nameOf(text) {
  const cut = text.length > 2 * TAIL ? text.length - TAIL : text.length;
  return el('span', {class: 'name', title: text},
    el('span', {class: 'head'}, text.slice(0, cut)), el('span', {class: 'tail'}, text.slice(cut)));
}
const middle = (text, most) => text.length <= most ? text
  : text.slice(0, Math.ceil((most - 1) / 2)) + '\u2026' + text.slice(-Math.floor((most - 1) / 2));

const trim = dims => dims.length > 1 && dims[0] === 1 ? trim(dims.slice(1)) : dims;
const shape = dims => dims.length ? trim(dims).join(TIMES) : 'scalar';
const fileName = path => path.split(/[\\/]/).pop().replace(/\.(tflite|ir)$/, '');

/* ---- families of operators: a colour each ---------------------------------------------------- */

const FAMILIES = {
  conv: {title: 'convolution', operators: ['conv2d']},
  depthwise: {title: 'depthwise convolution', operators: ['depthwise_conv2d']},
  dense: {title: 'dense', operators: ['dense']},
  pool: {title: 'pooling and sums', operators: ['max_pool', 'average_pool', 'mean', 'softmax']},
  element: {title: 'element by element', operators: ['add', 'sub', 'mul', 'logistic', 'tanh',
    'clamp', 'leaky_relu', 'hard_swish']},
  move: {title: 'moving data', operators: []},
};
function familyOf(operator) {
  for (const [family, {operators}] of Object.entries(FAMILIES))
    if (operators.includes(operator)) return family;
  return 'move';
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* Cells that CSS lays out as cards keep their roles for those who listen. */
const cell = (text, attributes) => el('td', {role: 'cell', class: 'n', ...attributes}, text);
function table(attributes, heads, rows, foot) {
  return el('table', {role: 'table', ...attributes},
    el('thead', {role: 'rowgroup'}, el('tr', {role: 'row'}, heads.map(([text, type]) =>
      el('th', {role: 'columnheader', scope: 'col', class: type}, text)))),
    el('tbody', {role: 'rowgroup'}, rows),
    foot && el('tfoot', {role: 'rowgroup'}, foot));
}
