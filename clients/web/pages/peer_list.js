// SPDX-License-Identifier: Apache-2.0
/* peer_list.js - peers as rows: who, what, where, at home with whom */
import { clipped, make, reconcile, say } from './dom.js';
import { count, hueOf } from './words.js';

const ROWS_MAX = 100;

export function tagOf(archetype) {
  const tag = make('span', { class: 'tag clip', title: archetype }, archetype);
  tag.style.setProperty('--hue', hueOf(archetype));
  return tag;
}

function placeOf({ address, port }) {
  const host = address?.includes(':') ? `[${address}]` : address ?? '';
  return port ? `${host}:${port}` : host;
}

function createRow(isNew) {
  return make('li', { class: isNew ? 'is-new' : null }, clipped('', 'who'), clipped('', 'home'),
              make('span', { class: 'tags' }), clipped('', 'address', 'mono'));
}

function put(element, text) {
  say(element, text);
  if (element.title !== text) element.title = text;
}

function updateRow(row, peer, me) {
  const [who, home, tags, address] = row.children;
  const isOrphaned = peer.status === 'orphaned';
  put(who, peer.peer_id);
  put(home, peer.home === undefined ? '' : isOrphaned ? `${peer.home} is gone` : `at ${peer.home}`);
  put(address, placeOf(peer));
  row.classList.toggle('is-me', peer.peer_id === me);
  row.classList.toggle('is-orphaned', isOrphaned);
  const print = JSON.stringify(peer.archetypes);
  if (tags.dataset.print === print) return;
  tags.dataset.print = print;
  tags.replaceChildren(...peer.archetypes.map(tagOf));
}

/** Oneself first, then by id: a row stays where it is when others come and go. */
function inOrder(me) {
  return (a, b) => (b.peer_id === me) - (a.peer_id === me) || (a.peer_id < b.peer_id ? -1 : 1);
}

/**
 * @param {HTMLElement} list
 * @param {object[]} peers
 * @param {{me?: string|null, isLive?: boolean}} [options] `isLive`: rows that come are new ones
 */
export function showPeers(list, peers, { me = null, isLive = false } = {}) {
  const sorted = [...peers].sort(inOrder(me));
  const rows = sorted.slice(0, ROWS_MAX);
  const isNew = isLive && list.dataset.isShown === 'yes';
  const more = sorted.length - rows.length;
  if (more > 0) rows.push({ more });
  reconcile(list, rows, (row) => (row.more ? 'more' : `p:${row.peer_id}`),
            (row) => (row.more ? make('li', { class: 'more' }) : createRow(isNew)),
            (element, row) => (row.more ? say(element, `and ${count(row.more, 'more peer')}`)
              : updateRow(element, row, me)));
  list.dataset.isShown = 'yes';
}
