// SPDX-License-Identifier: Apache-2.0
/* picture.js - the network as a picture that moves: nodes, and each peer beside its home
 *
 * Every node and peer keeps its element for as long as it is there, and elements are moved by
 * `transform`: the style sheet makes that a movement, or none for those who want none. */
import { draw, say, shorten } from './dom.js';
import { layout } from './picture_layout.js';
import { hueOf } from './words.js';

const FADE_MS = 600; /* as in picture.css */
const SMALL_DOT_PX = 4;
const SURE_PLACES = 10;
const MESH_NODES_MAX = 8; /* more lines would be a carpet */
const STATES = ['alive', 'suspect', 'unreachable', 'left', 'dead'];

/* A node that came back under its name stands twice among the members: the better one counts. */
function uniqueNodes(members) {
  const best = new Map();
  for (const member of members) {
    const known = best.get(member.name);
    if (!known || STATES.indexOf(member.state) < STATES.indexOf(known.state))
      best.set(member.name, member);
  }
  return best;
}

function byKey(a, b) {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/* Of very many peers not all have a place; oneself has one. */
function putInOrder(peers, me) {
  peers.sort(byKey);
  const at = peers.findIndex(({ key }) => key === me);
  if (at >= SURE_PLACES) peers.unshift(...peers.splice(at, 1));
}

/* What is gone and holds nobody any more needs no place. */
function shownNodes({ members, peers, me }) {
  const nodes = new Map();
  for (const [name, { state }] of uniqueNodes(members))
    nodes.set(name, { key: name, state, peers: [] });
  for (const peer of peers) {
    if (!nodes.has(peer.home)) nodes.set(peer.home, { key: peer.home, state: 'dead', peers: [] });
    nodes.get(peer.home).peers.push({ key: peer.peer_id, peer });
  }
  const shown = [...nodes.values()].filter((node) => node.state !== 'left' || node.peers.length);
  for (const node of shown) putInOrder(node.peers, me);
  return shown.sort(byKey);
}

export class Picture {
  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    this.svg = svg;
    this.lines = svg.appendChild(draw('g', { class: 'lines' }));
    this.nodes = svg.appendChild(draw('g', { class: 'nodes' }));
    this.peers = svg.appendChild(draw('g', { class: 'peers' }));
    this.elements = new Map(); /* "n:" or "p:" and the key */
    this.shown = { members: [], peers: [] };
    new ResizeObserver(() => this.#place()).observe(svg);
  }

  /**
   * @param {{members: object[], peers: object[], counts?: Map<string, number>,
   *   talksTo?: string|null, me?: string|null, isDimmed?: (peer: object) => boolean}} shown
   */
  show(shown) {
    this.shown = shown;
    this.#place();
  }

  #place() {
    const { width, height } = this.svg.getBoundingClientRect();
    if (width === 0) return;
    this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    const nodes = shownNodes(this.shown);
    const places = layout(width, height, nodes);
    const kept = new Set();
    for (const node of nodes) this.#placeNode(node, places, kept);
    for (const node of nodes)
      for (const peer of node.peers) this.#placePeer(peer, places, kept);
    this.#placeLines(nodes, places, kept);
    this.#drop(kept);
    this.#describe(nodes);
  }

  /* The element of that key, made when there is none; new ones begin where they will stand. */
  #element(key, parent, create, kept) {
    kept.add(key);
    if (!this.elements.has(key)) {
      const element = create();
      this.elements.set(key, element);
      parent.append(element);
    }
    return this.elements.get(key);
  }

  #placeNode(node, places, kept) {
    const at = places.nodes.get(node.key);
    const element = this.#element(`n:${node.key}`, this.nodes, createNode, kept);
    const isOurs = node.key === this.shown.talksTo;
    element.setAttribute('class', `node is-${node.state}${isOurs ? ' is-ours' : ''}`);
    element.style.transform = `translate(${at.x}px, ${at.y}px)`;
    const [title, orbit, halo, disc, number, name, note] = element.children;
    say(title, `${node.key}: ${node.state}, home of ${node.peers.length}`);
    orbit.setAttribute('r', at.room * 0.82);
    halo.setAttribute('r', at.radius + 5);
    disc.setAttribute('r', at.radius);
    name.setAttribute('y', at.radius + 17);
    note.setAttribute('y', at.radius + 32);
    const held = this.shown.counts?.get(node.key) ?? node.peers.length;
    say(number, at.radius >= 13 ? String(held) : '');
    say(name, places.hasNames ? shorten(node.key, at.room > 60 ? 16 : 9) : '');
    say(note, places.hasNames ? noteOf(node, at, isOurs) : '');
  }

  #placePeer({ key, peer }, places, kept) {
    const at = places.peers.get(key);
    if (!at) return; /* its node says how many have no place */
    const element = this.#element(`p:${key}`, this.peers, createPeer, kept);
    const isMe = key === this.shown.me;
    if (isMe && element !== this.peers.lastElementChild) this.peers.append(element); /* on top */
    const marks = [isMe && 'is-me', at.dot < SMALL_DOT_PX && 'is-small',
                   peer.status === 'orphaned' && 'is-orphaned',
                   this.shown.isDimmed?.(peer) && 'is-dimmed'];
    element.setAttribute('class', ['peer', ...marks.filter(Boolean)].join(' '));
    element.style.transform = `translate(${at.x}px, ${at.y}px)`;
    element.style.setProperty('--hue', hueOf(peer.archetypes[0]));
    const [title, ripple, ring, dot, label] = element.children;
    say(title, `${key}\n${peer.archetypes.join(', ') || 'no archetype'}\nhome: ${peer.home}`);
    ripple.setAttribute('r', at.dot);
    ring.setAttribute('r', at.dot + 4);
    dot.setAttribute('r', at.dot);
    this.#label(label, at, isMe ? 'you' : places.hasLabels ? shorten(key, 13) : '');
    if (element.dataset.home && element.dataset.home !== peer.home) ripples(ripple);
    element.dataset.home = peer.home;
  }

  #label(label, at, text) {
    const aside = { start: at.dot + 7, end: -at.dot - 7, middle: 0 }[at.anchor];
    label.setAttribute('text-anchor', at.anchor);
    label.setAttribute('x', aside);
    label.setAttribute('y', at.anchor === 'middle' ? -at.dot - 7 : 4);
    say(label, text);
  }

  #placeLines(nodes, places, kept) {
    const living = nodes.filter((node) => node.state === 'alive' || node.state === 'suspect');
    for (let i = 0; i < living.length; i++)
      for (let j = 0; j < i; j++)
        this.#placeLine(living[j], living[i], living.length, places, kept);
  }

  #placeLine(from, to, count, places, kept) {
    const isOurs = from.key === this.shown.talksTo || to.key === this.shown.talksTo;
    if (count > MESH_NODES_MAX && !isOurs) return;
    const key = `l:${JSON.stringify([from.key, to.key])}`;
    const line = this.#element(key, this.lines, () => draw('line'), kept);
    const isWeak = from.state !== 'alive' || to.state !== 'alive';
    line.setAttribute('class', isWeak ? 'is-weak' : '');
    const a = places.nodes.get(from.key);
    const b = places.nodes.get(to.key);
    for (const [name, value] of Object.entries({ x1: a.x, y1: a.y, x2: b.x, y2: b.y }))
      line.setAttribute(name, value);
  }

  #drop(kept) {
    for (const [key, element] of this.elements) {
      if (kept.has(key)) continue;
      this.elements.delete(key);
      element.classList.add('is-gone');
      setTimeout(() => element.remove(), FADE_MS);
    }
  }

  #describe(nodes) {
    const homes = nodes.map((node) => `${node.key} (${node.state}): ${node.peers.length}`);
    this.svg.setAttribute('aria-label', `Nodes, and how many peers each has: ${homes.join('; ')}`);
  }
}

function noteOf(node, at, isOurs) {
  if (node.state !== 'alive') return node.state;
  if (at.hidden > 0) return `and ${at.hidden} more`;
  return isOurs ? 'this page' : '';
}

function createNode() {
  return draw('g', {}, draw('title'), draw('circle', { class: 'orbit' }),
              draw('circle', { class: 'halo' }), draw('circle', { class: 'disc' }),
              draw('text', { class: 'number', 'text-anchor': 'middle', y: 4.5 }),
              draw('text', { class: 'name', 'text-anchor': 'middle' }),
              draw('text', { class: 'state-name', 'text-anchor': 'middle' }));
}

function createPeer() {
  return draw('g', {}, draw('title'), draw('circle', { class: 'ripple is-new' }),
              draw('circle', { class: 'ring' }), draw('circle', { class: 'dot' }),
              draw('text', { class: 'label' }));
}

/* Begins the animation again. */
function ripples(ripple) {
  ripple.classList.remove('is-new');
  void ripple.getBoundingClientRect();
  ripple.classList.add('is-new');
}
