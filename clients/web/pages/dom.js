// SPDX-License-Identifier: Apache-2.0
/* dom.js - elements and their texts
 *
 * Whatever comes from peers or nodes becomes text or an attribute's value, never markup: nothing in
 * these pages parses HTML. */

const SVG = 'http://www.w3.org/2000/svg';

/** The element with this id; pages name only those that they have. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element '${id}'`);
  return element;
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== null) element.setAttribute(name, value);
  for (const child of children) element.append(child);
  return element;
}

/** make("span", { class: "tag" }, "text", otherElement) */
export function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Assigns only what differs, so that nothing flickers and no reader is disturbed. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** One line that may be cut by its width; the whole stands in its title. */
export function clipped(text, ...classes) {
  return make('span', { class: ['clip', ...classes].join(' '), title: text }, text);
}

export function shorten(text, length) {
  const letters = Array.from(text);
  return letters.length <= length ? text : `${letters.slice(0, length - 1).join('')}…`;
}

/** Makes the children of `parent` those for `items`, in their order, and keeps those that are
 * there: what has the focus keeps it, and only what is new is announced. */
export function reconcile(parent, items, keyOf, create, update) {
  const known = new Map(Array.from(parent.children, (child) => [child.dataset.key, child]));
  const wanted = new Set(items.map((item) => String(keyOf(item))));
  for (const [key, child] of known) if (!wanted.has(key)) child.remove();
  let at = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    const child = known.get(key) ?? create(item);
    child.dataset.key = key;
    update(child, item);
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}
