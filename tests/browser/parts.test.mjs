// SPDX-License-Identifier: Apache-2.0
/* parts.test.mjs - parts of the pages that need no browser: where things stand, how they read */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tally } from '../../clients/web/pages/legend.js';
import { layout } from '../../clients/web/pages/picture_layout.js';
import { count, duration, hueOf, listOf, reasonOf } from '../../clients/web/pages/words.js';

const WINDOWS = [[900, 440], [320, 340], [1400, 460]];

/** Nodes of the names n0, n1, ..., each with that many peers. */
function clusterOf(nodes, peersOfEach) {
  return Array.from({ length: nodes }, (_, i) => ({
    key: `n${i}`,
    peers: Array.from({ length: peersOfEach }, (__, j) => ({ key: `n${i}-p${j}` })),
  }));
}

function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

test('everything_stands_inside_the_picture', () => {
  for (const [width, height] of WINDOWS)
    for (const nodes of [1, 2, 3, 5, 12, 13, 100]) {
      const placed = layout(width, height, clusterOf(nodes, 7));
      for (const { x, y } of [...placed.nodes.values(), ...placed.peers.values()])
        assert.ok(x >= 0 && x <= width && y >= 0 && y <= height, `${nodes} in ${width}: ${x} ${y}`);
    }
});

test('each_peer_stands_nearest_to_its_home', () => {
  for (const [width, height] of WINDOWS)
    for (const nodes of [2, 3, 7, 12, 40]) {
      const cluster = clusterOf(nodes, 9);
      const placed = layout(width, height, cluster);
      for (const { key, peers } of cluster)
        for (const peer of peers) {
          const at = placed.peers.get(peer.key);
          if (!at) continue; /* counted: see below */
          const own = distance(at, placed.nodes.get(key));
          for (const other of placed.nodes.values()) assert.ok(own <= distance(at, other) + 0.01);
        }
    }
});

test('no_two_peers_of_a_node_cover_each_other', () => {
  const placed = [...layout(900, 440, clusterOf(3, 60)).peers.values()];
  for (let i = 0; i < placed.length; i++)
    for (let j = 0; j < i; j++)
      assert.ok(distance(placed[i], placed[j]) >= placed[i].dot + placed[j].dot);
});

test('who_finds_no_place_is_counted', () => {
  const placed = layout(900, 440, clusterOf(3, 5000));
  for (const { hidden } of placed.nodes.values()) assert.ok(hidden > 0);
  const shown = [...placed.nodes.values()].reduce((sum, { hidden }) => sum + 5000 - hidden, 0);
  assert.equal(placed.peers.size, shown);
});

test('the_same_cluster_has_the_same_picture', () => {
  assert.deepEqual(layout(900, 440, clusterOf(4, 6)), layout(900, 440, clusterOf(4, 6)));
});

test('an_empty_cluster_is_no_mistake', () => {
  assert.equal(layout(900, 440, []).nodes.size, 0);
});

test('durations_have_their_two_largest_units', () => {
  assert.equal(duration(0), '0 s');
  assert.equal(duration(75), '1 min 15 s');
  assert.equal(duration(3600), '1 h');
  assert.equal(duration(2 * 86400 + 3 * 3600 + 59), '2 d 3 h');
  assert.equal(duration(-5), '0 s');
});

test('lists_are_split_at_commas_and_lines_and_have_nothing_twice', () => {
  assert.deepEqual(listOf(' a, b c,\n,a '), ['a', 'b c']);
  assert.deepEqual(listOf(''), []);
});

test('numbers_have_their_word', () => {
  assert.equal(count(1, 'peer'), '1 peer');
  assert.equal(count(12000, 'peer'), '12,000 peers');
});

test('the_first_eight_archetypes_have_eight_colours', () => {
  const names = ['agent', 'browser', 'camera', 'demo', 'gpu', 'printer', 'relay', 'sensor'];
  assert.equal(new Set(names.map(hueOf)).size, 8);
  assert.equal(hueOf('agent'), hueOf('agent'));
});

test('archetypes_are_counted_most_first', () => {
  const peers = [{ archetypes: ['b', 'a'] }, { archetypes: ['b'] }, { archetypes: [] }];
  assert.deepEqual(tally(peers), [['b', 2], ['a', 1]]);
});

test('an_error_is_a_sentence', () => {
  const unreachable = { code: 'unreachable', endpoint: 'http://n0', message: 'fetch failed' };
  assert.equal(reasonOf(unreachable), 'http://n0 cannot be reached.');
  assert.equal(reasonOf({ code: 'invalid', message: 'port: no' }), 'port: no.');
});
