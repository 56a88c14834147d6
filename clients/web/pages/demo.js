// SPDX-License-Identifier: Apache-2.0
/* demo.js - the demo page: its parts, and what they tell each other */
import { byId, say } from './dom.js';
import { Find } from './find.js';
import { Legend, tally } from './legend.js';
import { Log } from './log.js';
import { showPeers } from './peer_list.js';
import { Picture } from './picture.js';
import { Redraw } from './redraw.js';
import { Session } from './session.js';
import { count, listOf, reasonOf, wentBecause } from './words.js';
import { You } from './you.js';

const session = new Session();
const log = new Log(byId('log'));
const picture = new Picture(byId('picture'));
const redraw = new Redraw(draw);
const legend = new Legend(byId('legend'), () => redraw.soon());
const you = new You(session, log, () => redraw.soon());
const find = new Find(session, log, () => you.peerId);

/* --- Drawing --------------------------------------------------------------------------------- */

function draw() {
  const peers = [...session.peers.values()];
  const counts = tally(peers);
  legend.show(counts);
  find.offer(counts.map(([archetype]) => archetype));
  picture.show({
    members: session.members, peers, counts: homeCounts(), me: you.peerId,
    talksTo: session.isLive ? session.node : null,
    isDimmed: legend.isFiltering ? (peer) => !legend.matches(peer) : undefined,
  });
  drawPeers(peers);
  drawCounts(peers);
  drawConnection();
}

function whyEmpty() {
  if (session.isCrowded) return `${count(session.status.peers, 'peer')}: too many to show each.`;
  if (legend.isFiltering) return 'No peer has all the archetypes that you chose.';
  return 'Nobody is registered yet. Register this browser, or open this page twice.';
}

function homeCounts() {
  return new Map(session.isCrowded
    ? session.status.homes.map(({ name, count: number }) => [name, number]) : []);
}

function drawPeers(peers) {
  const shown = peers.filter((peer) => legend.matches(peer));
  showPeers(byId('peers'), shown, { me: you.peerId, isLive: session.isLive });
  byId('peers').hidden = shown.length === 0;
  byId('peers-empty').hidden = shown.length > 0;
  say(byId('peers-empty'), whyEmpty());
  say(byId('peers-count'), legend.isFiltering ? `${shown.length} of ${peers.length}`
    : String(peers.length));
}

function drawCounts(peers) {
  const alive = session.members.filter(({ state }) => state === 'alive').length;
  const number = session.isCrowded ? session.status.peers : peers.length;
  say(byId('network-count'), session.members.length === 0 ? ''
    : `${count(alive, 'node')}, ${count(number, 'peer')}`);
}

function drawConnection() {
  const isConverged = session.status?.converged ?? true;
  const text = !session.isLive ? 'Connecting'
    : `Live from ${session.node}${isConverged ? '' : ', still catching up'}`;
  say(byId('connection-text'), text);
  const kind = !session.isLive ? 'is-bad' : isConverged ? 'is-good' : 'is-warn';
  byId('connection').className = `pill ${kind}`;
  byId('connection').title = session.endpoint ?? '';
  say(byId('where-now'), session.endpoint ?? '');
}

/* --- The log --------------------------------------------------------------------------------- */

function tellPeer({ type, peer, before, peer_id: id, reason }) {
  if (type === 'up') log.add(`${peer.peer_id} appeared at ${peer.home}`, 'good');
  else if (type === 'down') log.add(`${id} is gone: ${wentBecause(reason)}`, 'warn');
  else if (before.home !== peer.home)
    log.add(`${peer.peer_id} moved from ${before.home} to ${peer.home}`);
  else if (before.status !== peer.status && peer.status === 'orphaned')
    log.add(`${peer.peer_id} is orphaned: ${peer.home} is gone`, 'warn');
  else log.add(`${peer.peer_id} changed`);
}

const states = new Map();

/* Nodes are asked for, not watched: what is new shows by comparing. */
function tellNodes() {
  for (const { id, name, state } of session.members) {
    const before = states.get(id);
    states.set(id, state);
    if (before === undefined || before === state) continue;
    log.add(`node ${name}: ${before}, now ${state}`, state === 'alive' ? 'good' : 'warn');
  }
}

function showTrouble(trouble) {
  const box = byId('trouble');
  const text = trouble?.text ?? '';
  if (text && box.textContent !== text) log.add(text, 'bad');
  say(box, text);
  box.hidden = !text;
}

session.on('change', () => {
  tellNodes();
  redraw.soon();
});
session.on('peer', tellPeer);
session.on('trouble', showTrouble);
session.on('talks', ({ node, endpoint }) => log.add(`live from ${node} (${endpoint})`, 'good'));

/* --- Endpoints ------------------------------------------------------------------------------- */

function connect() {
  const wrong = byId('where-wrong');
  const input = byId('endpoints');
  wrong.hidden = true;
  input.removeAttribute('aria-invalid');
  try {
    session.connect(listOf(input.value), byId('learns').checked);
  } catch (error) {
    say(wrong, reasonOf(error));
    wrong.hidden = false;
    input.setAttribute('aria-invalid', 'true');
  }
}

byId('where').addEventListener('submit', (event) => {
  event.preventDefault();
  connect();
});
byId('log-clear').addEventListener('click', () => log.clear());
session.on('endpoints', ({ endpoints }) => { byId('endpoints').value = endpoints.join('\n'); });
byId('endpoints').value = Session.here;
connect();
