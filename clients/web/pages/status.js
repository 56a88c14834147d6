// SPDX-License-Identifier: Apache-2.0
/* status.js - the status page: this node, and the cluster as it sees it */
import { byId, clipped, make, reconcile, say } from './dom.js';
import { tally } from './legend.js';
import { Log } from './log.js';
import { Redraw } from './redraw.js';
import { Session } from './session.js';
import { clock, count, duration, hueOf, reasonOf, wentBecause } from './words.js';

const BARS_MAX = 12;

const session = new Session();
const log = new Log(byId('lately'));
const redraw = new Redraw(draw);

/* --- Tiles ----------------------------------------------------------------------------------- */

function drawTiles(status) {
  const isBehind = status.homes.filter(({ state }) => state !== 'proved').length;
  const alive = session.members.filter(({ state }) => state === 'alive').length;
  const own = status.homes.find(({ name }) => name === status.name);
  const state = status.cut_off ? 'Cut off' : status.converged ? 'Converged' : 'Catching up';
  say(byId('converged'), state);
  byId('convergence').className = `card tile ${status.converged ? 'is-good' : 'is-warn'}`;
  say(byId('view'), isBehind ? `${count(isBehind, 'log')} not proved`
    : `digest ${status.view.slice(0, 12)}`);
  byId('view').title = status.view;
  say(byId('alive'), String(alive));
  say(byId('others'), `of ${count(session.members.length, 'known member')}`);
  say(byId('peer-count'), status.peers.toLocaleString('en'));
  say(byId('own-peers'), `${own?.count ?? 0} at home here`);
  drawUptime(status);
}

function drawUptime(status) {
  const began = new Date(`${status.started_at}Z`);
  say(byId('uptime'), duration((Date.now() - began) / 1000));
  say(byId('version'), `version ${status.version}, since ${clock(began).slice(0, 5)}`);
  byId('version').title = status.started_at;
}

/* --- Members --------------------------------------------------------------------------------- */

function cell(title, ...classes) {
  return make('td', { 'data-title': title, class: classes.join(' ') || null });
}

function createMember({ self }) {
  const name = make('div', { class: 'row' }, clipped(''));
  if (self) name.append(make('span', { class: 'here' }, 'this node'));
  return make('tr', {}, make('th', { scope: 'row' }, name, clipped('', 'address', 'mono')),
              make('td', {}, make('span', {})), cell('round trip', 'number'),
              cell('peers', 'number'), cell('log'));
}

function put(element, text) {
  say(element, text);
  element.title = text;
}

function updateMember(row, member, home) {
  const [name, state, rtt, peers, standing] = row.children;
  put(name.firstElementChild.firstElementChild, member.name);
  put(name.lastElementChild,
      [member.http || member.gossip, member.zone].filter(Boolean).join(' · '));
  say(state.firstElementChild, member.state);
  state.firstElementChild.className = `state state-${member.state}`;
  say(rtt, roundTripOf(member));
  say(peers, String(home?.count ?? 0));
  say(standing, standingOf(home));
}

function roundTripOf({ self, rtt_ms: ms }) {
  return self ? '–' : ms === null ? 'not measured' : `${ms.toFixed(1)} ms`;
}

function standingOf(home) {
  if (!home) return 'none';
  if (home.equivocating) return 'signed two contents';
  return home.behind_by > 0 ? `${home.state} by ${home.behind_by}` : home.state;
}

function drawMembers(status) {
  const homes = new Map(status.homes.map((home) => [home.name, home]));
  reconcile(byId('members'), session.members, ({ id }) => id, createMember,
            (row, member) => updateMember(row, member, homes.get(member.name)));
  say(byId('cluster'), `cluster ${status.cluster}`);
}

/* --- Archetypes ------------------------------------------------------------------------------ */

function createBar([archetype]) {
  const bar = make('i');
  bar.style.setProperty('--hue', hueOf(archetype));
  return make('li', {}, clipped(archetype), make('span', { class: 'bar' }, bar),
              make('span', { class: 'tick number' }));
}

function drawArchetypes(peers) {
  const counts = tally(peers);
  const shown = counts.slice(0, BARS_MAX);
  const most = shown[0]?.[1] ?? 1;
  reconcile(byId('archetypes'), shown, ([archetype]) => archetype, createBar,
            (row, [, number]) => {
              row.children[1].firstElementChild.style.width = `${(100 * number) / most}%`;
              say(row.children[2], number.toLocaleString('en'));
            });
  byId('archetypes-empty').hidden = shown.length > 0;
  say(byId('archetypes-empty'), session.isCrowded ? 'Too many peers to look at each here.'
    : 'No peer has an archetype.');
}

function draw() {
  const { status } = session;
  if (status) {
    document.title = `${status.name} – Aurora status`;
    say(byId('name'), status.name);
    drawTiles(status);
    drawMembers(status);
  }
  drawArchetypes([...session.peers.values()]);
  say(byId('connection-text'), session.isLive ? 'Live' : 'Connecting');
  byId('connection').className = `pill ${session.isLive ? 'is-good' : 'is-bad'}`;
}

/* --- What happens ---------------------------------------------------------------------------- */

function tell(text, kind) {
  byId('lately-empty').hidden = true;
  log.add(text, kind);
}

session.on('change', () => redraw.soon());
session.on('peer', ({ type, peer, before, peer_id: id, reason }) => {
  if (type === 'up') tell(`${peer.peer_id} appeared at ${peer.home}`, 'good');
  else if (type === 'down') tell(`${id} is gone: ${wentBecause(reason)}`, 'warn');
  else if (before.home !== peer.home) tell(`${peer.peer_id} moved to ${peer.home}`);
});
session.on('trouble', (trouble) => {
  const text = trouble ? `${trouble.text} What you see is as it was.` : '';
  if (text && byId('trouble').hidden) tell('this node does not answer', 'bad');
  say(byId('trouble'), text);
  byId('trouble').hidden = !text;
});

setInterval(() => session.status && session.isLive && drawUptime(session.status), 1000);
try {
  session.connect([Session.here], false); /* a page about this node asks no other */
} catch (error) {
  say(byId('trouble'), reasonOf(error));
  byId('trouble').hidden = false;
}
