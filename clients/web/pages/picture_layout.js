// SPDX-License-Identifier: Apache-2.0
/* picture_layout.js - where nodes and peers stand in the picture: pure arithmetic
 *
 * Nodes stand on an ellipse, many of them on a sunflower's spiral; each peer stands on a ring
 * around its home. The order is that of names, so that two pages show the same picture, and
 * the same cluster always the same one. */

const RING_NODES_MAX = 12; /* more of them would stand too close on an ellipse */
const LABELLED_PEERS_MAX = 30;
const LABELLED_WIDTH_MIN = 560;
const LABEL_WIDTH = 84;
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));
const TOP = -Math.PI / 2;
/* Peers leave out the quarter below their node: its name stands there. */
const ARC = 1.5 * Math.PI;

function onEllipse(count, a, b) {
  return Array.from({ length: count }, (_, i) => {
    const angle = (count === 2 ? Math.PI : TOP) + (2 * Math.PI * i) / count;
    return count === 1 ? { x: 0, y: 0 } : { x: a * Math.cos(angle), y: b * Math.sin(angle) };
  });
}

function onSpiral(count, a, b) {
  return Array.from({ length: count }, (_, i) => {
    const radius = Math.sqrt((i + 0.5) / count);
    const angle = i * GOLDEN_ANGLE;
    return { x: a * radius * Math.cos(angle), y: b * radius * Math.sin(angle) };
  });
}

function nearest(points) {
  let least = Infinity;
  for (let i = 0; i < points.length; i++)
    for (let j = 0; j < i; j++)
      least = Math.min(least, Math.hypot(points[i].x - points[j].x, points[i].y - points[j].y));
  return least;
}

/* Three nodes leave a quarter of their ellipse empty: stretched to the whole of it. */
function stretched(points, a, b) {
  const along = (axis, half) => {
    const values = points.map((point) => point[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const scale = high - low < 1 ? 0 : (2 * half) / (high - low);
    for (const point of points) point[axis] = (point[axis] - (low + high) / 2) * scale;
  };
  along('x', a);
  along('y', b);
  return points;
}

/* The largest room around each node with which no two rooms overlap, within bounds. */
function placeNodes(count, width, height, side) {
  let room = Math.min(width, height) * (count === 1 ? 0.34 : 0.23);
  let points = [];
  for (let tries = 0; tries < 12; tries++) {
    const a = Math.max(8, width / 2 - room - side);
    const b = Math.max(8, height / 2 - room - 10);
    points = stretched((count > RING_NODES_MAX ? onSpiral : onEllipse)(count, a, b), a, b);
    if (2 * room <= nearest(points) || room < 9) break;
    room *= 0.88;
  }
  return { room, points };
}

/* Rings from the outside in would move everybody when one comes; from the inside out only those of
 * its ring. `dot` is the radius of a peer. */
function ringsOf(count, inner, outer, dot) {
  const rings = [];
  const step = 2 * dot + 5;
  for (let radius = inner, left = count; left > 0 && radius <= outer + 0.5; radius += step) {
    const taken = Math.min(left, Math.max(1, Math.floor((radius * ARC) / step)));
    rings.push({ radius, count: taken });
    left -= taken;
  }
  return rings;
}

function slotsOf(rings) {
  return rings.flatMap(({ radius, count }) => Array.from({ length: count }, (_, i) => {
    const angle = TOP - ARC / 2 + ((i + 0.5) * ARC) / count;
    return { x: radius * Math.cos(angle), y: radius * Math.sin(angle), angle };
  }));
}

/* The largest dots that leave nobody out; with the smallest, some may be. */
function placePeers(count, inner, outer) {
  for (let dot = 6.5; ; dot -= 0.75) {
    /* One ring alone stands in the middle of the room that there is. */
    const isFew = count * (2 * dot + 5) <= outer * ARC * 0.8;
    const slots = slotsOf(ringsOf(count, isFew ? outer * 0.82 : inner, outer, dot));
    if (slots.length === count || dot < 2.75) return { dot, slots };
  }
}

function anchorOf(angle) {
  const across = Math.cos(angle);
  return Math.abs(across) < 0.3 ? 'middle' : across > 0 ? 'start' : 'end';
}

/**
 * @param {number} width
 * @param {number} height
 * @param {{key: string, peers: {key: string}[]}[]} nodes in their order, each with its peers
 * @returns {{nodes: Map<string, {x, y, radius, room, hidden}>, peers: Map<string, {x, y, dot,
 *   anchor}>, hasNames: boolean, hasLabels: boolean}} `hidden` counts the peers without a place
 */
export function layout(width, height, nodes) {
  const peerCount = nodes.reduce((sum, node) => sum + node.peers.length, 0);
  const hasLabels = width >= LABELLED_WIDTH_MIN && peerCount <= LABELLED_PEERS_MAX &&
    nodes.length <= 6;
  const { room, points } = placeNodes(nodes.length, width, height, hasLabels ? LABEL_WIDTH : 14);
  const radius = Math.min(20, Math.max(4, room * 0.3));
  const placed = { nodes: new Map(), peers: new Map(), hasNames: room >= 30, hasLabels };
  nodes.forEach((node, i) => {
    const at = { x: width / 2 + points[i].x, y: height / 2 + points[i].y };
    const { dot, slots } = placePeers(node.peers.length, radius + 12, room);
    placed.nodes.set(node.key, { ...at, radius, room, hidden: node.peers.length - slots.length });
    node.peers.slice(0, slots.length).forEach(({ key }, slot) => placed.peers.set(key, {
      x: at.x + slots[slot].x, y: at.y + slots[slot].y, dot,
      anchor: hasLabels ? anchorOf(slots[slot].angle) : 'middle',
    }));
  });
  return placed;
}
